"""What the pool needs of a model, as Protocols. No threads, no HTTP, no implementation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

import numpy as np
import numpy.typing as npt

from offload_sdk._types import Label
from offload_sdk.wire_open_inference import TensorFacts

__all__ = [
    "BatchEngine",
    "Classify",
    "Clock",
    "Computed",
    "Engine",
    "EngineSource",
    "Inference",
    "Loader",
    "Scores",
    "Signature",
    "Task",
    "TaskSource",
    "TensorEngine",
    "TensorSignature",
    "Timed",
]

T_co = TypeVar("T_co", covariant=True)


class Timed(Protocol):
    """What a task comes to tells the seconds of its steps."""

    @property
    def decode_s(self) -> float: ...

    @property
    def infer_s(self) -> float: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference:
    """The classes of one picture, best first, and the seconds of the two steps; `decode_s` covers all up to the
    model's input. `fields` are the answer of a model with another task, whose labels are those it found."""

    labels: tuple[Label, ...]
    decode_s: float
    infer_s: float
    fields: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """The probabilities of all classes for one picture, float32 of shape (classes,), and the steps' seconds."""

    probabilities: npt.NDArray[np.float32]
    decode_s: float
    infer_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a model takes and gives: one picture of shape (height, width, 3), and one probability for each label.

    `datatype` is that of its input: float32 in the model's own normalisation, or uint8 RGB pixels.
    """

    width: int
    height: int
    datatype: Literal["float32", "uint8"]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorSignature:
    """The tensors of a model that is no classifier, in its order, each of one size."""

    inputs: tuple[TensorFacts, ...]
    outputs: tuple[TensorFacts, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """A model's outputs by name, and the seconds that they took."""

    outputs: Mapping[str, npt.NDArray[Any]]
    infer_s: float


class Engine(Protocol):
    """One interpreter, used by one thread.

    Raises `InvalidImageError` if the bytes are no picture it can read and `RequestError` if a limit is exceeded.
    """

    def infer(self, image: bytes, top_k: int) -> Inference: ...

    def score(self, image: bytes | npt.NDArray[Any]) -> Scores:
        """`image` is an encoded picture, or what `Signature` says; uint8 pixels are taken by every model."""
        ...


class Task(Protocol[T_co]):
    """What a worker does for one request, with its own engine and on its own thread."""

    def __call__(self, engine: Engine, /) -> T_co: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Classify:
    """The task of finding the `top_k` classes of a picture. It is a record, so that an engine can see what is in
    a batch."""

    image: bytes
    top_k: int

    def __call__(self, engine: Engine, /) -> Inference:
        return engine.infer(self.image, self.top_k)


@runtime_checkable
class TensorEngine(Engine, Protocol):
    """An engine of a model that is no classifier: `infer` gives `fields`, and this is in place of `score`."""

    def compute(self, inputs: Mapping[str, npt.NDArray[Any]]) -> Computed:
        """Return all outputs for all inputs, each as `TensorSignature` says."""
        ...


@runtime_checkable
class BatchEngine(Engine, Protocol):
    """An engine that is faster for up to `room` tasks together than one by one, as it knows when it is made.

    `run` gives for each task, in order, what it comes to or the exception that it raises. A picture's `infer_s` is
    then its whole batch's, as each waits for all.
    """

    @property
    def room(self) -> int: ...

    def run(self, tasks: Sequence[Task[Any]]) -> Sequence[Any]: ...


class EngineSource(Protocol):
    """A model that is present on this machine: its name, and a new engine for each worker."""

    @property
    def name(self) -> str: ...

    @property
    def signature(self) -> Signature | TensorSignature: ...

    def engine(self) -> Engine: ...


@runtime_checkable
class TaskSource(EngineSource, Protocol):
    """A model that is no classifier: its engines are `TensorEngine`s, and `task` is what it does in a word."""

    @property
    def task(self) -> str: ...


Loader = Callable[[], EngineSource]
"""Finds the model, fetching it if need be. May block for minutes; raises `ModelError`."""

Clock = Callable[[], float]
"""Seconds from any fixed point, never going back: `time.monotonic` or a fake."""
