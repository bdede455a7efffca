"""One engine as a Ray actor. It knows the model and nothing of queues, HTTP or other replicas."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from offload_sdk.errors import InvalidImageError, ModelError
from server_stub.engine import Inference, Scores, Signature
from server_stub.logs import configure_logging
from server_stub.model_engine import model_loader
from server_stub.options import read_settings, settings_of_the_sdk
from server_stub.problems import RequestError

__all__ = ["Model", "Refused", "Replica"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What an ingress has to know of the replicas' model."""

    name: str
    signature: Signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A picture that cannot be classified. It is returned and not raised, as Ray takes what an actor raises for a
    failure of the actor and writes its traceback to the log."""

    status: int
    code: str
    message: str


class Replica:
    """Classifies one picture at a time on the thread that made it, as an interpreter belongs to one thread.

    The settings are those of the node's environment. Raises `ModelError` if the model cannot be loaded.
    """

    def __init__(self) -> None:
        configure_logging()
        settings = read_settings([], os.environ, prog="ray", inherited=settings_of_the_sdk(os.environ))
        source = model_loader(settings)()
        if not isinstance(source.signature, Signature):
            raise ModelError(f"the model {source.name} is no classifier, which is all that replicas serve")
        self._model = Model(name=source.name, signature=source.signature)
        self._engine = source.engine()

    def model(self) -> Model:
        return self._model

    def infer(self, image: bytes, top_k: int) -> Inference | Refused:
        try:
            return self._engine.infer(image, top_k)
        except (InvalidImageError, RequestError) as error:
            return _refusal(error)

    def score(self, image: bytes | npt.NDArray[Any]) -> Scores | Refused:
        try:
            # What Ray hands over is read-only.
            return self._engine.score(image if isinstance(image, bytes) else np.array(image))
        except (InvalidImageError, RequestError) as error:
            return _refusal(error)


def _refusal(error: InvalidImageError | RequestError) -> Refused:
    problem = error if isinstance(error, RequestError) else RequestError.invalid_image(str(error))
    return Refused(status=problem.status, code=problem.code, message=problem.message)
