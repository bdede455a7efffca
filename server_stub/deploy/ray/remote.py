"""An engine that has a replica do the work: what the pool's workers are on a cluster. No queue of its own.

A picture changes nothing where it is classified, so one whose replica dies is given to another.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt
from ray.exceptions import RayActorError
from ray.serve.exceptions import RayServeException
from ray.serve.handle import DeploymentHandle

from server_stub.deploy.ray.replica import Model, Refused
from server_stub.engine import Clock, Engine, Inference, Scores, Signature
from server_stub.problems import RequestError

__all__ = ["RemoteEngine", "RemoteSource"]

logger = logging.getLogger("server_stub")
_PAUSE_S = 0.05  # until Ray has taken the dead replica off its list


class RemoteEngine:
    """Gives each picture to a replica, and to another one if that dies, until `timeout_s` is over."""

    def __init__(self, handle: DeploymentHandle[Any], *, timeout_s: float, clock: Clock = time.monotonic) -> None:
        self._handle = handle
        self._timeout_s = timeout_s
        self._clock = clock

    def infer(self, image: bytes, top_k: int) -> Inference:
        inference: Inference = self._ask("infer", image, top_k)
        return inference

    def score(self, image: bytes | npt.NDArray[Any]) -> Scores:
        scores: Scores = self._ask("score", image)
        return scores

    def _ask(self, method: str, *arguments: Any) -> Any:
        end_s = self._clock() + self._timeout_s
        while True:
            response = getattr(self._handle, method).remote(*arguments)
            try:
                answer = response.result(timeout_s=max(0.0, end_s - self._clock()))
            except TimeoutError:
                response.cancel()
                raise RequestError.not_ready("without a replica that answers") from None
            except (RayActorError, RayServeException) as error:
                if self._clock() + _PAUSE_S >= end_s:
                    raise RequestError.not_ready("without a replica that answers") from error
                logger.warning("a replica was lost and its picture is given to another: %s", type(error).__name__)
                time.sleep(_PAUSE_S)
                continue
            if isinstance(answer, Refused):
                raise RequestError(answer.status, answer.code, answer.message)
            return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteSource:
    """The replicas' model. Every engine that it makes is the same way to any of them."""

    model: Model
    handle: DeploymentHandle[Any]
    timeout_s: float

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def signature(self) -> Signature:
        return self.model.signature

    def engine(self) -> Engine:
        return RemoteEngine(self.handle, timeout_s=self.timeout_s)
