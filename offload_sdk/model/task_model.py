"""A model with its task: a picture in, the task's result out. What the result means is the task's business."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Generic, TypeVar

from offload_sdk._types import Label
from offload_sdk.errors import ModelError, OffloadError
from offload_sdk.model.feed import pixel_feed
from offload_sdk.model.network import Network, Values
from offload_sdk.model.spec import InputSpec, ModelFile
from offload_sdk.typing import Picture, Task

__all__ = ["TaskModel"]

T = TypeVar("T")


class TaskModel(Generic[T]):
    """One interpreter. Safe for several threads, which take turns. Raises `ModelError` if it cannot be run."""

    def __init__(self, model: ModelFile, task: Task[T], threads: int = 1) -> None:
        self.model = model
        self.task = task
        self.threads = threads
        self._network = Network(model.path, threads)
        self._feed = pixel_feed(next(iter(self._network.inputs.values())), model.normalisation)

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
        outputs = self._network.outputs_of(lambda interpreter: self._feed(interpreter, pixels), timings)
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

    def compute(self, inputs: Mapping[str, Values], timings: dict[str, float]) -> dict[str, Values]:
        """Return the model's raw outputs for raw inputs."""
        return self._network.compute(inputs, timings)

    def close(self) -> None:
        """Frees the model's memory after the inference under way. Further calls raise ModelError."""
        self._network.close()
