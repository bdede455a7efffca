"""THE loop: measure → estimate → decide → execute → log → learn, once per image; `Offloader` classifies by it.

Each step is a folder beside this file; here they are only called, in that order. How the parts are chosen and
built from the settings is `_assembly.py`. The loop does not know what its images are asked: `_task_offloader.py`.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from offload_sdk._assembly import assemble
from offload_sdk._execution import Execution
from offload_sdk._parts import Parts
from offload_sdk._trace import active_trace
from offload_sdk._types import (
    Classification,
    Decision,
    Estimate,
    ImageInfo,
    Outcome,
    Record,
    Request,
    Situation,
    Snapshot,
)
from offload_sdk.errors import (
    ConfigurationError,
    DeadlineExceededError,
    ModelError,
    OffloadError,
    RemoteError,
)
from offload_sdk.typing import DeviceProbe, Log, Policy, Redact, Task

if TYPE_CHECKING:
    from offload_sdk._config import OffloadConfig

__all__ = ["Loop", "Offloader"]

L = TypeVar("L", bound="Loop")


class Loop:
    """Has each image answered on the device or at an endpoint, whichever its policy finds better at the moment.

    Without a `task` it is classified. The rest is as of `Offloader`.
    """

    def __init__(
        self,
        config: OffloadConfig | None = None,
        *,
        task: Task[Any] | None = None,
        policy: Policy | None = None,
        probe: DeviceProbe | None = None,
        log: Log | None = None,
        redact: Redact | None = None,
    ) -> None:
        if config is None:
            from offload_sdk._config import OffloadConfig

            config = OffloadConfig()
        self.config = config
        self._parts: Parts = assemble(config, task=task, policy=policy, probe=probe, log=log, redact=redact)
        self._lock = self._parts.lock  # guards estimators, policy and circuits
        self._closed = threading.Event()
        self._pid = os.getpid()

    def _process(self, image: Any, top_k: int, deadline_s: float | None) -> tuple[Record, Outcome, str | None]:
        """Go once round the loop. Return the image's row, the outcome that is its answer, and why what was chosen
        did not answer, if it did not. Raises what `Offloader.classify` does."""
        clock = self._parts.clock
        started_s = clock()
        deadline_s = self._checked(top_k, deadline_s)
        picture = self._parts.open_picture(image)
        opened_s = clock()
        snapshot = self._parts.snapshot()
        left_s = None if deadline_s is None else max(deadline_s - (opened_s - started_s), 0.0)
        decision = self._decide(picture.info, snapshot, left_s, opened_s)
        decided_s = clock()
        request = Request(
            request_id=uuid.uuid4().hex,
            top_k=top_k,
            snapshot=snapshot,
            payloads=decision.payloads,
            trace=active_trace(),
        )
        execution = Execution(
            self._parts,
            decision,
            picture,
            request,
            started_s=started_s,
            decided_s=decided_s,
            deadline_s=deadline_s,
            timeout_s=self.config.remote_timeout_s,
        )
        outcomes = execution.run()
        answer = outcomes[-1] if outcomes and outcomes[-1].answered else None
        timings = {"open": opened_s - started_s, "decide": decided_s - opened_s}
        if answer is None:
            timings["failed"] = clock() - decided_s
        else:
            if answer.role != "answer":  # until the option started that answered
                timings["failed" if answer.role == "fallback" else "hedge"] = answer.started_s - decided_s
            timings.update(answer.timings)
        latency_s = clock() - started_s
        record = Record(
            request_id=request.request_id,
            wall_s=self._parts.wall(),
            image=picture.info,
            snapshot=snapshot,
            decision=decision,
            outcomes=tuple(outcomes),
            labels=() if answer is None else answer.labels,
            path=None if answer is None else answer.path,
            endpoint=answer.option if answer is not None and answer.path == "remote" else None,
            model=None if answer is None else answer.model,
            latency_s=latency_s,
            timings=timings,
            fallback=answer is not None
            and decision.path == "remote"
            and answer.path == "local"
            and not execution.outrun,
            hedged=execution.hedged,
            deadline_s=deadline_s,
            source=str(image) if isinstance(image, str | Path) else None,
            error=None if answer is not None else _last_error(outcomes),
        )
        self._parts.log.append(record)
        self._parts.learn(decision, [*execution.overtaken(), *outcomes], picture.info, snapshot)
        self._parts.image_seen(decision)
        execution.go_on(outcomes)
        if answer is None:
            raise _no_answer(outcomes, deadline_s)
        failure = next((o.error for o in outcomes if o.error and answer.option != decision.chosen), None)
        return record, answer, failure

    def decide(self, image: Any, *, deadline_s: float | None = None) -> Decision:
        """Return what would be decided for this image now. Reads its header only; runs and logs nothing."""
        deadline_s = self._checked(1, deadline_s)
        picture = self._parts.open_picture(image)
        return self._decide(picture.info, self._parts.snapshot(), deadline_s, self._parts.clock())

    def status(self) -> dict[str, Any]:
        """Return the state of model, device, endpoints and log as plain values."""
        return self._parts.status()

    def close(self) -> None:
        """Stop the background thread, let running shadow runs end, flush the log. Safe to call twice."""
        if not self._closed.is_set():
            self._closed.set()
            self._parts.close()

    def __enter__(self: L) -> L:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _checked(self, top_k: int, deadline_s: float | None) -> float | None:
        """Check the arguments of a call; return its deadline, the configured one by default."""
        if self._closed.is_set():
            raise OffloadError("this Offloader is closed; make a new one")
        if os.getpid() != self._pid:
            raise OffloadError("this Offloader was made before a fork; a child needs its own")
        if not isinstance(top_k, int) or not 1 <= top_k <= 100:
            raise ConfigurationError(f"top_k must be a whole number from 1 to 100, not {top_k!r}")
        if deadline_s is None:
            return self.config.deadline_s
        if not isinstance(deadline_s, int | float) or not 0.0 < deadline_s < float("inf"):
            raise ConfigurationError(f"deadline_s must be a positive number of seconds, not {deadline_s!r}")
        return deadline_s

    def _decide(self, image: ImageInfo, snapshot: Snapshot, deadline_s: float | None, now_s: float) -> Decision:
        """Estimate every option and let the policy choose. No I/O."""
        estimates: list[Estimate] = []
        unavailable: dict[str, str] = {}
        with self._lock:
            for side in self._parts.sides:
                wait_s = self._parts.backlog.wait_s(side.name, now_s)
                estimates.append(side.estimator.estimate(image, snapshot, now_s).after(wait_s))
                if side.circuit is not None and (why := side.circuit.barred(now_s)) is not None:
                    unavailable[side.name] = why
            return self._parts.policy.decide(
                Situation(
                    estimates=tuple(estimates),
                    snapshot=snapshot,
                    image=image,
                    deadline_s=deadline_s,
                    unavailable=unavailable,
                )
            )


class Offloader(Loop):
    """Classifies each image on the device or at an endpoint, whichever its policy finds better at the moment.

    Safe for several threads. `policy`, `probe` and `log` replace the parts that the configuration would give;
    each is an object of the Protocol of that name in `offload_sdk.typing`. Making one loads the model (about
    half a second on a Raspberry Pi; more the first time, when the offline model is built) and starts one
    background thread; `close()`, or leaving the `with` block, stops it. Every upload goes through `redact` first
    (`offload_sdk.typing.Redact`), in place of the setting of that name; if it fails, the image is not sent.

    Raises:
        ConfigurationError: a setting is wrong.
        ModelError: the model is missing or damaged.
    """

    def __init__(
        self,
        config: OffloadConfig | None = None,
        *,
        policy: Policy | None = None,
        probe: DeviceProbe | None = None,
        log: Log | None = None,
        redact: Redact | None = None,
    ) -> None:
        super().__init__(config, policy=policy, probe=probe, log=log, redact=redact)

    def classify(self, image: Any, *, top_k: int = 3, deadline_s: float | None = None) -> Classification:
        """Classify one image.

        Args:
            image: a path, the bytes of an encoded image, a `PIL.Image.Image`, or a NumPy `uint8` array of
                shape (H, W, 3) in RGB order.
            top_k: how many classes to return, best first.
            deadline_s: seconds from now by which the answer is wanted. A deadline that cannot be met with the
                local path on still gets its answer, late.

        Raises:
            InvalidImageError: the image cannot be read or decoded.
            DeadlineExceededError, RemoteError: only with the local path switched off (`local=False`).
        """
        record, answer, failure = self._process(image, top_k, deadline_s)
        return Classification(
            labels=record.labels,
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

    def classify_many(
        self, images: Iterable[Any], *, top_k: int = 3, deadline_s: float | None = None
    ) -> Iterator[Classification]:
        """Classify lazily, one after the other, in order. `deadline_s` is per image.

        An image that cannot be classified raises its error in its turn; `next` then goes on with the one after.
        """
        if isinstance(images, str | bytes | Path):
            raise ConfigurationError("classify_many takes several images; for one, use classify")
        return map(partial(self.classify, top_k=top_k, deadline_s=deadline_s), images)


def _last_error(outcomes: list[Outcome]) -> str:
    return outcomes[-1].error or "no answer" if outcomes else "the deadline had passed before anything could run"


def _no_answer(outcomes: list[Outcome], deadline_s: float | None) -> OffloadError:
    """Return the error for an image that no option answered."""
    message = "; ".join(f"{outcome.option}: {outcome.error}" for outcome in outcomes) or _last_error(outcomes)
    if deadline_s is not None and (not outcomes or outcomes[-1].error_kind == "timeout"):
        return DeadlineExceededError(f"no answer within {deadline_s * 1e3:.0f} ms: {message}")
    last = outcomes[-1]
    if last.path == "local":
        return ModelError(message)
    if last.error_kind == "timeout":
        return DeadlineExceededError(message)
    return RemoteError(message, kind=last.error_kind or "status", retry_after_s=last.retry_after_s)
