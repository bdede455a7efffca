"""The local path: preprocess and infer on this device. No network, no decision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from offload_sdk._types import Label, Outcome, OutcomeRole, Request
from offload_sdk.errors import ModelError
from offload_sdk.typing import Clock, Picture

__all__ = ["LocalExecutor", "PictureSolver", "TensorClassifier"]


class TensorClassifier(Protocol):
    """What the local path needs of a model: `offload_sdk.model.Classifier` is one."""

    @property
    def name(self) -> str: ...

    def classify_tensor(self, tensor: Any, k: int, timings: dict[str, float]) -> tuple[Label, ...]: ...

    def close(self) -> None: ...


@runtime_checkable
class PictureSolver(Protocol):
    """What the local path needs of a model with another task: `offload_sdk.model.TaskModel` is one."""

    @property
    def name(self) -> str: ...

    def solve(self, picture: Picture, timings: dict[str, float]) -> tuple[Any, tuple[Label, ...]]: ...

    def close(self) -> None: ...


class LocalExecutor:
    """Runs the model in this process. A failure of the runtime is an outcome: another option can then answer."""

    def __init__(self, model: TensorClassifier | PictureSolver, *, clock: Clock) -> None:
        self._model = model
        self._solve = _solver(model)
        self._clock = clock

    def run(self, picture: Picture, request: Request, role: OutcomeRole, budget_s: float | None) -> Outcome:
        """Have the model answer. `budget_s` is not enforced: an inference cannot be stopped half-way, and a late
        answer is better than none."""
        started_s = self._clock()
        timings: dict[str, float] = {}
        result: Any = None
        labels: tuple[Label, ...] = ()
        error: str | None = None
        try:
            result, labels = self._solve(picture, request.top_k, timings)
        except ModelError as failure:
            error = str(failure)
        return Outcome(
            option="local",
            path="local",
            status="failed" if error is not None else "success",
            role=role,
            started_s=started_s,
            latency_s=self._clock() - started_s,
            timings=timings,
            error_kind=None if error is None else "model",
            error=error,
            labels=labels,
            result=result,
            model=self._model.name,
        )

    def close(self) -> None:
        self._model.close()


def _solver(
    model: TensorClassifier | PictureSolver,
) -> Callable[[Picture, int, dict[str, float]], tuple[Any, tuple[Label, ...]]]:
    """Return what gives the result of a task, None for classification, and the best classes."""
    if isinstance(model, PictureSolver):
        solve = model.solve

        def task(picture: Picture, top_k: int, timings: dict[str, float]) -> tuple[Any, tuple[Label, ...]]:
            result, labels = solve(picture, timings)
            return result, labels[:top_k]

        return task
    classify = model.classify_tensor
    return lambda picture, top_k, timings: (None, classify(picture.tensor(timings), top_k, timings))
