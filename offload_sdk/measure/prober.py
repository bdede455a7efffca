"""Performs what `ProbeSchedule` decides: pings and small uploads on the endpoints' own connections.

`run_due` blocks for as long as a probe takes and belongs to the monitor's thread. What the classifying threads
call (`image_seen`, `sample_seen`, `set_down`) only notes something down under a lock that is held for
nanoseconds; nothing here runs a probe on their account.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from random import Random

from offload_sdk._types import Outcome
from offload_sdk.measure.probe_schedule import Probe, ProbeSchedule
from offload_sdk.typing import Clock, Link

__all__ = ["LinkProber"]

PROBE_BUDGET_S = 3.0

_logger = logging.getLogger("offload_sdk")


class LinkProber:
    """Keeps the knowledge of every link fresh within a budget of bytes.

    `report` receives the outcome of each probe, on the monitor's thread. `interval_s`, `budget_frac` and
    `start_bytes` are those of `ProbeConfig`. `probe_budget_s` bounds one probe. `seed` None is a random jitter.
    """

    def __init__(
        self,
        links: Mapping[str, Link],
        report: Callable[[Outcome], None],
        *,
        clock: Clock,
        interval_s: float,
        budget_frac: float,
        start_bytes: int,
        seed: int | None = None,
        probe_budget_s: float = PROBE_BUDGET_S,
    ) -> None:
        self._links = dict(links)
        self._report = report
        self._clock = clock
        self._probe_budget_s = probe_budget_s
        self._schedule = ProbeSchedule(
            self._links,
            interval_s=interval_s,
            budget_frac=budget_frac,
            start_bytes=start_bytes,
            rng=Random(seed),
            now_s=clock(),
        )
        self._failed: set[str] = set()
        self._lock = threading.Lock()
        self._clear_notes()

    def image_seen(self, payload_bytes: int, now_s: float) -> None:
        """An image was classified, by whichever path; remote would take `payload_bytes` of upload."""
        with self._lock:
            self._images += 1
            self._image_bytes += payload_bytes
            self._image_s = now_s

    def sample_seen(self, endpoint: str, now_s: float) -> None:
        """An image was answered by the endpoint, which tells as much of the link as a probe."""
        with self._lock:
            self._samples[endpoint] = now_s

    def set_down(self, endpoint: str, down: bool) -> None:
        """The endpoint is out of service (its circuit is open), or in service again. May be called any time."""
        with self._lock:
            self._down[endpoint] = down

    def wake_s(self) -> float | None:
        """Return the time by the clock at which a probe is due; None when none is in sight."""
        now_s = self._clock()
        self._take_notes(now_s)
        return self._schedule.wake_s(now_s)

    def run_due(self) -> bool:
        """Run at most one probe and report it. Returns whether one ran. Blocks up to `probe_budget_s`."""
        now_s = self._clock()
        self._take_notes(now_s)
        probe = self._schedule.start(now_s)
        if probe is None:
            return False
        outcome = self._perform(probe)
        self._schedule.finish(
            probe,
            spent_bytes=_spent_bytes(outcome),
            success=outcome is not None and outcome.status == "success",
            now_s=self._clock(),
        )
        if outcome is not None:
            self._report(outcome)
        return True

    def after_fork(self) -> None:
        """Make the lock anew in a forked child, and forget the probe that only the parent will finish."""
        self._lock = threading.Lock()
        self._schedule.abandon()

    def _perform(self, probe: Probe) -> Outcome | None:
        link = self._links[probe.endpoint]
        budget_s = min(self._probe_budget_s, probe.limit_s or self._probe_budget_s)
        try:
            if probe.upload_bytes is None:
                return link.ping(budget_s)
            return link.upload(probe.upload_bytes, budget_s)
        # A link is not to raise; one that does (it is a plug-in) must not end the probing of the others.
        except Exception:
            if probe.endpoint not in self._failed:
                self._failed.add(probe.endpoint)
                _logger.warning("probing %r raised; it counts as failed", probe.endpoint, exc_info=True)
            return None

    def _clear_notes(self) -> None:
        self._images = 0
        self._image_bytes = 0
        self._image_s = 0.0
        self._samples: dict[str, float] = {}
        self._down: dict[str, bool] = {}

    def _take_notes(self, now_s: float) -> None:
        with self._lock:
            images, image_bytes, image_s = self._images, self._image_bytes, self._image_s
            samples, down = self._samples, self._down
            self._clear_notes()
        self._schedule.images_seen(images, image_bytes, image_s)
        for endpoint, is_down in down.items():
            self._schedule.set_down(endpoint, is_down, now_s)
        for endpoint, sample_s in samples.items():
            self._schedule.sample_seen(endpoint, sample_s)


def _spent_bytes(outcome: Outcome | None) -> int:
    """Return what a probe cost. Without a connection nothing of the request was sent."""
    if outcome is None or outcome.error_kind == "connect":
        return 0
    return outcome.sent_bytes + outcome.received_bytes
