"""A model with its task: a picture in, the task's result out. What the result means is the task's business."""

from __future__ import annotations

import time
from typing import Generic, TypeVar

import numpy as np

from offload_sdk._types import Label
from offload_sdk.errors import ModelError, OffloadError
from offload_sdk.model.feed import pixel_feed
from offload_sdk.model.network import Network
from offload_sdk.model.picture import open_picture
from offload_sdk.model.spec import InputSpec, ModelFile
from offload_sdk.typing import Picture, Task

__all__ = ["TaskModel"]

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
        try:
            result = self.task.finish(outputs, picture.view)
            labels = tuple(self.task.labels(result))
        except OffloadError:
            raise
        except Exception as error:  # a task may be the user's own
            raise ModelError(f"{self.model.path} gave what the task cannot read: {error!r}"[:500]) from error
        timings["infer"] = timings.get("infer", 0.0) + time.perf_counter() - started_s
        return result, labels

    def try_out(self, timings: dict[str, float]) -> None:
        """Solve a black picture: then it is known whether the task can read the model, and the weights are packed.

        Raises as `solve` does.
        """
        self.solve(open_picture(np.zeros((8, 8, 3), np.uint8), self.spec), timings)

    def close(self) -> None:
        """Frees the model's memory after the inference under way. Further calls raise ModelError."""
        self.network.close()
