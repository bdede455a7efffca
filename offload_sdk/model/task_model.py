"""A model with its task: a picture in, the task's result out. What the result means is the task's business."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import numpy as np

from offload_sdk._types import Label
from offload_sdk._view import View
from offload_sdk.errors import ModelError
from offload_sdk.model.feed import pixel_feed
from offload_sdk.model.network import Network
from offload_sdk.model.picture import open_picture
from offload_sdk.model.spec import InputSpec, ModelFile
from offload_sdk.typing import Picture, Task

__all__ = ["TaskModel", "finished"]

T = TypeVar("T")


class TaskModel(Generic[T]):
    """One interpreter. Safe for several threads, which take turns. Raises `ModelError` if it cannot be run.

    `network` runs it on tensors.
    """

    def __init__(self, model: ModelFile, task: Task[T], threads: int = 1) -> None:
        self.model = model
        self.task = task
        self.threads = threads
        self.network = Network(model.path, threads)
        self._feed = pixel_feed(next(iter(self.network.inputs.values())), model.normalisation)

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def spec(self) -> InputSpec:
        """What pictures are fitted into."""
        return self.model.spec

    def solve(self, picture: Picture, timings: dict[str, float]) -> tuple[T, tuple[Label, ...]]:
        """Return the result for a picture, and the classes found. Adds to `decode`, `preprocess`, `wait`, `infer`.

        Raises:
            InvalidImageError: the picture cannot be decoded.
            ModelError: the runtime failed, or the task makes nothing of the model's outputs.
        """
        pixels = picture.tensor(timings)
        outputs = self.network.outputs_of(lambda interpreter: self._feed(interpreter, pixels), timings)
        started_s = time.perf_counter()
        answer = finished(self.task, outputs, picture.view)
        timings["infer"] = timings.get("infer", 0.0) + time.perf_counter() - started_s
        return answer

    def try_out(self, timings: dict[str, float]) -> None:
        """Solve a black picture: then it is known whether the task can read the model, and the weights are packed.

        Raises as `solve` does.
        """
        self.solve(open_picture(np.zeros((8, 8, 3), np.uint8), self.spec), timings)

    def close(self) -> None:
        """Frees the model's memory after the inference under way. Further calls raise ModelError."""
        self.network.close()


def finished(task: Task[T], outputs: Mapping[str, Any], view: View) -> tuple[T, tuple[Label, ...]]:
    """Return the task's result for a model's outputs, and the classes found. Raises `ModelError` whatever the task
    raises, which may be the user's own."""
    try:
        result = task.finish(outputs, view)
        labels = tuple(task.labels(result))
    except Exception as error:
        raise ModelError(f"The task cannot read the model's outputs: {error!r}"[:500]) from error
    if result is None:
        raise ModelError("The task has finished with None, which stands for no result.")
    return result, labels
