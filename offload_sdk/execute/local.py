"""The local path: preprocess and infer on this device. No network, no decision."""

from __future__ import annotations

from typing import Any, Protocol

from offload_sdk._types import Label, Outcome, OutcomeRole, Request
from offload_sdk.errors import ModelError
from offload_sdk.typing import Clock, Picture

__all__ = ["LocalExecutor", "TensorClassifier"]


class TensorClassifier(Protocol):
    """What the local path needs of a model: `offload_sdk.model.Classifier` is one."""

    @property
    def name(self) -> str: ...

    def classify_tensor(self, tensor: Any, k: int, timings: dict[str, float]) -> tuple[Label, ...]: ...

    def close(self) -> None: ...


class LocalExecutor:
    """Runs the model in this process. A failure of the runtime is an outcome: another option can then answer."""

    def __init__(self, classifier: TensorClassifier, *, clock: Clock) -> None:
        self._classifier = classifier
        self._clock = clock

    def run(self, picture: Picture, request: Request, role: OutcomeRole, budget_s: float | None) -> Outcome:
        """Classify. `budget_s` is not enforced: an inference cannot be stopped half-way, and a late answer
        is better than none."""
        started_s = self._clock()
        timings: dict[str, float] = {}
        labels: tuple[Label, ...] = ()
        error: str | None = None
        try:
            labels = self._classifier.classify_tensor(picture.tensor(timings), request.top_k, timings)
        except ModelError as failure:
            error = str(failure)
        return Outcome(
            option="local",
            path="local",
            status="success" if labels else "failed",
            role=role,
            started_s=started_s,
            latency_s=self._clock() - started_s,
            timings=timings,
            error_kind=None if error is None else "model",
            error=error,
            labels=labels,
            model=self._classifier.name,
        )

    def close(self) -> None:
        self._classifier.close()
