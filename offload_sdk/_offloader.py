"""THE loop: measure → estimate → decide → execute → log → learn, once per image.

Each step is a folder beside this file; here they are only called, in that order. How the parts are chosen and
built from the settings is `_assembly.py`.
"""

from __future__ import annotations

import logging
import os
import threading
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from offload_sdk._assembly import assemble
from offload_sdk._parts import Parts, Side
from offload_sdk._types import (
    Classification,
    Decision,
    Estimate,
    ImageInfo,
    Outcome,
    OutcomeRole,
    Record,
    Request,
    Situation,
    Snapshot,
)
from offload_sdk.errors import (
    ConfigurationError,
    DeadlineExceededError,
    InvalidImageError,
    ModelError,
    OffloadError,
    RemoteError,
)
from offload_sdk.learn import learn
from offload_sdk.typing import DeviceProbe, Log, Picture, Policy

if TYPE_CHECKING:
    from offload_sdk._config import OffloadConfig

__all__ = ["Offloader"]

_logger = logging.getLogger("offload_sdk")
_LEAST_PATIENCE_S = 0.3  # a remote attempt is given at least this, however fast the endpoint is predicted to be
_PATIENCE_P90S = 3.0
_PATIENCE_BEYOND_S = 1.0


class Offloader:
    """Classifies each image on the device or at an endpoint, whichever its policy finds better at the moment.

    Safe for several threads. `policy`, `probe` and `log` replace the parts that the configuration would give;
    each is an object of the Protocol of that name in `offload_sdk.typing`. Making one loads the model (about
    half a second on a Raspberry Pi; more the first time, when the offline model is built) and starts one
    background thread; `close()`, or leaving the `with` block, stops it.

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
    ) -> None:
        if config is None:
            from offload_sdk._config import OffloadConfig

            config = OffloadConfig()
        self.config = config
        self._parts: Parts = assemble(config, policy=policy, probe=probe, log=log)
        self._lock = self._parts.lock  # guards estimators, policy and circuits
        self._closed = threading.Event()
        self._pid = os.getpid()

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
            request_id=uuid.uuid4().hex, top_k=top_k, snapshot=snapshot, payloads=decision.payloads
        )
        outcomes = self._execute(decision, picture, request, started_s, deadline_s)
        answer = outcomes[-1] if outcomes and outcomes[-1].labels else None
        timings = {"open": opened_s - started_s, "decide": decided_s - opened_s}
        for outcome in outcomes[:-1]:
            timings["failed"] = timings.get("failed", 0.0) + outcome.latency_s
        if answer is not None:
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
            fallback=answer is not None and decision.path == "remote" and answer.path == "local",
            deadline_s=deadline_s,
            source=str(image) if isinstance(image, str | Path) else None,
            error=None if answer is not None else _last_error(outcomes),
        )
        self._parts.log.append(record)
        self._learn(decision, outcomes, picture.info, snapshot)
        self._parts.image_seen(decision, outcomes)
        if decision.shadow:
            self._run_shadows(decision, picture, request, {outcome.option for outcome in outcomes})
        if answer is None:
            raise _no_answer(outcomes, deadline_s)
        return Classification(
            labels=record.labels,
            path=answer.path,
            endpoint=record.endpoint,
            model=answer.model or "",
            latency_s=latency_s,
            timings=timings,
            decision=decision,
            request_id=request.request_id,
            fallback=record.fallback,
            failure=next((outcome.error for outcome in outcomes if outcome.error is not None), None),
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

    def __enter__(self) -> Offloader:
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
                estimates.append(side.estimator.estimate(image, snapshot, now_s))
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

    def _execute(
        self,
        decision: Decision,
        picture: Picture,
        request: Request,
        started_s: float,
        deadline_s: float | None,
    ) -> list[Outcome]:
        """Run the chosen option, then others until one answers. The last outcome is the answer, if any is."""
        outcomes: list[Outcome] = []
        order = self._order(decision)
        for place, side in enumerate(order):
            spare = decision.predicted[order[place + 1].name] if place + 1 < len(order) else None
            spent_s = self._parts.clock() - started_s
            budget_s = self._budget_s(side, decision.predicted[side.name], spare, spent_s, deadline_s)
            if budget_s is not None and budget_s <= 0.0:
                continue
            if not self._claim(side, budget_s) and spare is not None:
                continue
            role: OutcomeRole = "fallback" if outcomes else "answer"
            outcome = self._run(side, picture, request, role, budget_s)
            if outcome.error_kind == "timeout" and _was_hurried(budget_s, decision.predicted[side.name]):
                outcome = replace(outcome, status="ignored")
            outcomes.append(self._parts.settle(side, outcome))
            if outcomes[-1].labels:
                break
        return outcomes

    def _run(
        self, side: Side, picture: Picture, request: Request, role: OutcomeRole, budget_s: float | None
    ) -> Outcome:
        """Run one option; a picture that cannot be decoded says nothing about it."""
        try:
            return side.executor.run(picture, request, role, budget_s)
        except InvalidImageError:
            if side.circuit is not None:
                with self._lock:
                    side.circuit.abandon()
            raise

    def _claim(self, side: Side, budget_s: float | None) -> bool:
        """Ask the circuit for leave; of several images that meet it half-open, one gets it."""
        if side.circuit is None:
            return True
        with self._lock:
            return side.circuit.begin(self._parts.clock(), budget_s or self.config.remote_timeout_s)

    def _learn(self, decision: Decision, outcomes: list[Outcome], image: ImageInfo, snapshot: Snapshot) -> None:
        """Learn from what became of an image. A fault of a plug-in must not cost the answer that is there."""
        try:
            with self._lock:
                learn(self._parts.estimators, self._parts.learner, decision, outcomes, image, snapshot)
        except Exception:
            _logger.exception("learning from an image failed")

    def _order(self, decision: Decision) -> list[Side]:
        """Return the chosen option, then the local path, then the open endpoints, the likely fastest first."""
        sides = {side.name: side for side in self._parts.sides}
        if decision.chosen not in sides:
            raise ConfigurationError(f"the policy chose {decision.chosen!r}, which is not among {list(sides)}")
        order = [sides.pop(decision.chosen)]
        if "local" in sides:
            order.append(sides.pop("local"))
        now_s = self._parts.clock()
        rest = sorted(sides.values(), key=lambda side: decision.predicted[side.name].latency_mean_s)
        order.extend(side for side in rest if side.circuit is None or side.circuit.barred(now_s) is None)
        return order

    def _budget_s(
        self, side: Side, expected: Estimate, spare: Estimate | None, spent_s: float, deadline_s: float | None
    ) -> float | None:
        """Return how long an attempt may take; None for the local path, which cannot be cut short.

        Where another option stands ready (`spare`), patience with an endpoint ends at three times its predicted
        p90, but at most a second beyond it, plus what the spare takes; and early enough for the spare to keep
        the deadline, if it can keep it at all.
        """
        if side.circuit is None:
            return None
        limit_s = self.config.remote_timeout_s
        if spare is not None:
            p90_s = expected.latency_p90_s
            patience_s = min(_PATIENCE_P90S * p90_s, p90_s + _PATIENCE_BEYOND_S) + spare.latency_mean_s
            limit_s = min(limit_s, max(patience_s, _LEAST_PATIENCE_S))
        if deadline_s is not None:
            left_s = deadline_s - spent_s
            if spare is not None and spare.latency_p90_s < left_s:
                left_s -= spare.latency_p90_s
            limit_s = min(limit_s, left_s)
        return limit_s

    def _run_shadows(self, decision: Decision, picture: Picture, request: Request, ran: set[str]) -> None:
        """Run the other options in the background, for the log and the estimators only."""

        def run_shadows() -> None:
            for side in self._parts.sides:
                if side.name not in decision.shadow or side.name in ran:
                    continue
                budget_s = None if side.circuit is None else self.config.remote_timeout_s
                if not self._claim(side, budget_s):
                    outcome = _dropped(side.name, self._parts, "its circuit had opened")
                else:
                    try:
                        outcome = self._parts.settle(side, self._run(side, picture, request, "shadow", budget_s))
                    except InvalidImageError as error:  # the server took it, the decoder here does not
                        outcome = _dropped(side.name, self._parts, str(error))
                self._parts.log.amend(request.request_id, (outcome,))
                self._learn(decision, [outcome], picture.info, request.snapshot)

        if picture.info.encoded_bytes is None:  # the caller may draw on it, a camera put its next frame there
            picture.payload({})
            picture.tensor({})
        if self._parts.shadows.submit(run_shadows) is None:
            # Said in the row, so that nobody takes the shadowed images for a sample by chance alone.
            why = "earlier shadow runs were still waiting"
            dropped = tuple(_dropped(name, self._parts, why) for name in decision.shadow)
            self._parts.log.amend(request.request_id, dropped)


def _was_hurried(budget_s: float | None, expected: Estimate) -> bool:
    """Whether a deadline left an attempt less time than it usually takes: then its end is no failure."""
    return budget_s is not None and budget_s < expected.latency_p90_s


def _dropped(option: str, parts: Parts, why: str) -> Outcome:
    """Return the outcome of a shadow run that did not take place."""
    return Outcome(
        option=option,
        path="local" if option == "local" else "remote",
        status="ignored",
        role="shadow",
        started_s=parts.clock(),
        latency_s=0.0,
        error_kind="busy",
        error=f"not run: {why}",
    )


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
