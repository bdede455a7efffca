"""The Protocols that plug-ins implement: one or two methods each, passed as instances.

Everything that `Offloader` is assembled from is one of these, so each part can be replaced, by users and by
tests. No implementation, and nothing heavier than `_types` is imported here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

from offload_sdk._types import (
    Decision,
    Estimate,
    ImageInfo,
    Label,
    Outcome,
    OutcomeRole,
    Payload,
    Record,
    Request,
    Situation,
    Snapshot,
)
from offload_sdk._view import View

__all__ = [
    "Clock",
    "DeviceProbe",
    "Estimator",
    "Executor",
    "LearningPolicy",
    "Link",
    "Log",
    "Picture",
    "Policy",
    "Redact",
    "Task",
    "WireTask",
]

T = TypeVar("T")
Clock = Callable[[], float]
"""Seconds from any fixed point, never going back: `time.monotonic` or a fake."""

Redact = Callable[[Any], Any]
"""From the pixels of what is about to be sent, a NumPy `uint8` array of shape (height, width, 3), RGB and upright,
which it may draw on, to the pixels to send instead: another such array, or the same. Used by several threads."""


@runtime_checkable
class DeviceProbe(Protocol):
    """Reads the device: battery, mains, load, heat, signal. May block for milliseconds; never raises."""

    def read(self) -> Snapshot: ...


@runtime_checkable
class Estimator(Protocol):
    """Predicts one option, and learns from what became of it. Pure: no I/O, no clock, O(1) a call.

    `now_s` and the outcomes' `started_s` come from the same monotonic clock.
    """

    def estimate(self, image: ImageInfo, snapshot: Snapshot, now_s: float) -> Estimate: ...

    def update(self, outcome: Outcome, image: ImageInfo | None, snapshot: Snapshot) -> None: ...


@runtime_checkable
class Policy(Protocol):
    """Chooses an option. Pure; never chooses one that the situation lists as unavailable if another is left."""

    def decide(self, situation: Situation) -> Decision: ...


@runtime_checkable
class LearningPolicy(Policy, Protocol):
    """A policy that also learns from the outcomes of its own decisions."""

    def learn(self, decision: Decision, outcomes: Iterable[Outcome]) -> None: ...


@runtime_checkable
class Picture(Protocol):
    """An opened image: decoded at most once, as much as the option that runs needs.

    `tensor` gives the model's input, a `uint8` array of shape (1, H, W, 3) in RGB order, and `view`, once it has,
    where in it the picture lies. What may leave the device: `payload`, the bytes to upload, coded as asked or else
    as well as the picture's maker wants, and their media type; `upload_tensor`, as `tensor`. All add the seconds
    they took to `timings` and raise `InvalidImageError`; the latter two also `RemoteError` if the picture must not
    be sent. `keep` takes now, quickly, what such an upload needs of pixels that may change later.
    """

    @property
    def info(self) -> ImageInfo: ...

    def tensor(self, timings: dict[str, float]) -> Any: ...

    @property
    def view(self) -> View: ...

    def payload(self, timings: dict[str, float], payload: Payload | None = None) -> tuple[bytes, str]: ...

    def upload_tensor(self, timings: dict[str, float]) -> Any: ...

    def keep(self, payload: Payload | None) -> None: ...


@runtime_checkable
class Task(Protocol[T]):
    """What a model's outputs mean, other than the classes of a whole picture: detection, segmentation, your own.

    Used by several threads. A result is anything but None. Whatever the methods raise counts as a failure of the
    option that gave the outputs, so that another one answers.
    """

    @property
    def fit(self) -> Literal["pad", "stretch"]:
        """How a picture is put into the model's input: whole, between black bars, or stretched."""
        ...

    def finish(self, outputs: Mapping[str, Any], view: View) -> T:
        """Return the result for a model's outputs: by name, in the model's order, each a NumPy array, quantised
        ones as real numbers. `view` is where in the input the picture lay. They may come from a foreign server,
        so shapes and values are to be checked."""
        ...

    def labels(self, result: T) -> Sequence[Label]:
        """Return the classes found, best first, for the log."""
        ...


@runtime_checkable
class WireTask(Task[T], Protocol[T]):
    """A task that our server can do too: its results travel as a JSON object."""

    def to_wire(self, result: T) -> dict[str, Any]: ...

    def from_wire(self, document: Mapping[str, Any]) -> T:
        """Read what `to_wire` gave, or what anybody may have put in its place: whatever is raised is the server's
        failure."""
        ...


@runtime_checkable
class Executor(Protocol):
    """Runs one option for one image within `budget_s` seconds. Network failures are outcomes, not exceptions.

    Raises `InvalidImageError` when the image itself cannot be decoded.
    """

    def run(self, picture: Picture, request: Request, role: OutcomeRole, budget_s: float | None) -> Outcome: ...

    def close(self) -> None: ...


@runtime_checkable
class Link(Protocol):
    """What the background prober may ask of an endpoint, on its pooled connection. Blocks; never raises."""

    def ping(self, budget_s: float) -> Outcome: ...

    def upload(self, size_bytes: int, budget_s: float) -> Outcome: ...


@runtime_checkable
class Log(Protocol):
    """Keeps one record per image. What `append` has taken survives a killed process. Neither method raises."""

    def append(self, record: Record) -> None: ...

    def amend(self, request_id: str, outcomes: Iterable[Outcome]) -> None: ...

    def maintain(self) -> None:
        """Do the slow chores (checkpoint, size and age limits); called now and then from a background thread."""

    def status(self) -> Mapping[str, Any]: ...

    def close(self) -> None: ...
