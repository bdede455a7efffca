"""`TaskOffloader`: the loop of `_offloader.py` for any task. Nothing of a certain one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from offload_sdk._answer import Answer
from offload_sdk._offloader import Loop
from offload_sdk.errors import ConfigurationError
from offload_sdk.typing import DeviceProbe, Log, Policy, Redact, Task

if TYPE_CHECKING:
    from offload_sdk._config import OffloadConfig

__all__ = ["TaskOffloader"]

T = TypeVar("T")
_LOGGED_CLASSES = 3


class TaskOffloader(Loop, Generic[T]):
    """Does a task for each image on the device or at an endpoint, whichever its policy finds better at the moment.

    `task` is one of `offload_sdk.tasks`, or your own; the setting `model` is the path of a `.tflite` for it. The
    rest is as of `Offloader`.

    Raises:
        ConfigurationError: a setting is wrong, or an endpoint cannot do the task.
        ModelError: the model is missing or damaged, or gives what the task cannot read.
    """

    def __init__(
        self,
        task: Task[T],
        config: OffloadConfig | None = None,
        *,
        policy: Policy | None = None,
        probe: DeviceProbe | None = None,
        log: Log | None = None,
        redact: Redact | None = None,
    ) -> None:
        if not isinstance(task, Task) or task.fit not in ("pad", "stretch"):
            raise ConfigurationError("a task has finish, labels and a fit of 'pad' or 'stretch' (docs/tasks.md)")
        super().__init__(config, task=task, policy=policy, probe=probe, log=log, redact=redact)

    def run(self, image: Any, *, deadline_s: float | None = None) -> Answer[T]:
        """Do the task for one image. Arguments and errors are those of `Offloader.classify`."""
        record, answer, failure = self._process(image, _LOGGED_CLASSES, deadline_s)
        return Answer(
            result=answer.result,
            path=answer.path,
            endpoint=record.endpoint,
            model=answer.model or "",
            latency_s=record.latency_s,
            timings=record.timings,
            decision=record.decision,
            request_id=record.request_id,
            fallback=record.fallback,
            hedged=record.hedged,
            failure=failure,
        )

    def run_many(self, images: Iterable[Any], *, deadline_s: float | None = None) -> Iterator[Answer[T]]:
        """Run lazily, one after the other, in order, as `Offloader.classify_many` does."""
        if isinstance(images, str | bytes | Path):
            raise ConfigurationError("run_many takes several images; for one, use run")
        return map(partial(self.run, deadline_s=deadline_s), images)
