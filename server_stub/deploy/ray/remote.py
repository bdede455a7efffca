"""An engine that has a replica do the work: what the pool's workers are on a cluster. No queue of its own.

A picture changes nothing where it is classified, so one whose replica dies is given to another.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
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
# Until Ray has taken a lost node's replicas off its list. No more tries than these: should a picture end every
# replica that decodes it, it shall not end all there are.
_PAUSES_S = (0.1, 0.5, 2.0)


class RemoteEngine:
    """Gives each picture to a replica, and to another one if that is lost, for at most `timeout_s` in all.

    Raises `RequestError`: 503 if no replica answers, else what the replica says of the picture.
    """

    def __init__(
        self,
        handle: DeploymentHandle[Any],
        *,
        timeout_s: float,
        clock: Clock = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._handle = handle
        self._timeout_s = timeout_s
        self._clock = clock
        self._sleep = sleep

    def infer(self, image: bytes, top_k: int) -> Inference:
        inference: Inference = self._ask("infer", image, top_k)
        return inference

    def score(self, image: bytes | npt.NDArray[Any]) -> Scores:
        scores: Scores = self._ask("score", image)
        return scores

    def _ask(self, method: str, *arguments: Any) -> Any:
        end_s = self._clock() + self._timeout_s
        pauses_s = iter(_PAUSES_S)
        while True:
            response = getattr(self._handle, method).remote(*arguments)
            try:
                answer = response.result(timeout_s=max(0.0, end_s - self._clock()))
            except TimeoutError:
                response.cancel()
                raise _no_replica() from None
            except (RayActorError, RayServeException) as error:
                pause_s = next(pauses_s, None)
                if pause_s is None:
                    raise _no_replica() from None
                logger.warning("a replica was lost; its picture goes to another: %s", type(error).__name__)
                self._sleep(pause_s)
                continue
            if isinstance(answer, Refused):
                raise RequestError(answer.status, answer.code, answer.message)
            return answer


def _no_replica() -> RequestError:
    return RequestError(503, "no_replica", "no replica has answered; try again later", retry_after_s=2)


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
