"""When to probe which endpoint, and how: the rules alone, as arithmetic.

No clock, no threads, no network: the caller passes the time and tells what became of each probe. One object is
used by one thread.

The rules:

- an endpoint is due one interval (± 20 %) after its last sample, which may be a probe or an image; one that
  never took an upload gets its first a fifth of an interval after its first ping;
- probes may cost `budget_frac` of the bytes that uploading every image takes; `start_bytes` of it in advance,
  which half of what images earn pays back;
- an endpoint that no image goes to is probed more and more rarely after ten probes, at the rarest every five
  intervals;
- a sized upload only follows a ping that succeeded, at least an interval after the last upload, and only if the
  budget then still holds a few pings; else a ping; the first is made as small as that takes;
- without images for a minute nothing is probed, except endpoints that are out of service;
- those get pings only, a quarter of an interval after the failure and then ever more rarely, but never as
  rarely as two intervals, from the start of one to that of the next, and none waits for longer: so recovery is
  noticed within two intervals (while the budget lasts), even if the last ping vanished without an error;
- one probe at a time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Literal

__all__ = ["Probe", "ProbeSchedule"]

JITTER_FRAC = 0.2
IDLE_AFTER_S = 60.0
PING_BYTES = 350
UPLOAD_OVERHEAD_BYTES = 900  # headers of request and answer, the form around the image, the answer's JSON
MIN_UPLOAD_BYTES, MAX_UPLOAD_BYTES = 4096, 65536
DEFAULT_UPLOAD_BYTES = 16384
# What may be saved up beyond `start_bytes`, so that a long quiet time is not followed by a burst of uploads.
MAX_ALLOWANCE_BYTES = 262_144
PINGS_IN_RESERVE = 4
_FIRST_RETRY, _RETRY_GROWTH = 0.25, 2.0
_SOON = 0.2
_PATIENCE, _GROWTH, _MOST_PAUSE = 10, 1.25, 5.0
# Times the largest jitter this is 1.92 intervals.
_MAX_RETRY = 1.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """Something to do now. `upload_bytes` is None for a ping; `limit_s`, if not None, is the most it may take."""

    endpoint: str
    upload_bytes: int | None
    limit_s: float | None = None

    @property
    def kind(self) -> Literal["ping", "upload"]:
        return "ping" if self.upload_bytes is None else "upload"


@dataclass(slots=True, kw_only=True)
class _Endpoint:
    due_s: float
    down: bool = False
    retries: int = 0
    ping_bytes: int = PING_BYTES
    upload_overhead_bytes: int = UPLOAD_OVERHEAD_BYTES
    may_upload: bool = False
    uploaded_s: float | None = None
    begun_s: float = 0.0  # its last probe
    unused: int = 0  # probes since the last image


class ProbeSchedule:
    """The state of probing. `now_s` of every call is the same monotonic clock, `now_s` here its first value."""

    def __init__(
        self,
        endpoints: Iterable[str],
        *,
        interval_s: float,
        budget_frac: float,
        start_bytes: int,
        rng: Random,
        now_s: float,
    ) -> None:
        self._interval_s = interval_s
        self._budget_frac = budget_frac
        self._limit_bytes = float(max(start_bytes, MAX_ALLOWANCE_BYTES))
        self._rng = rng
        self._allowance_bytes = self._advance_bytes = float(start_bytes)
        self._payload_bytes: float | None = None
        self._active_s = now_s
        self._running: tuple[Probe, int] | None = None
        # The first ping comes soon: it opens the connection, and a link that was never used is the least known.
        self._endpoints = {name: _Endpoint(due_s=now_s + rng.uniform(0.0, 0.2) * interval_s) for name in endpoints}

    @property
    def allowance_bytes(self) -> float:
        """What probes may still cost."""
        return self._allowance_bytes

    def images_seen(self, count: int, payload_bytes: int, now_s: float) -> None:
        """Credit `count` images of `payload_bytes` in all, whichever path they took."""
        if count <= 0:
            return
        self._active_s = now_s
        earned_bytes = self._budget_frac * max(0, payload_bytes)
        repaid_bytes = min(self._advance_bytes, 0.5 * earned_bytes)
        self._advance_bytes -= repaid_bytes
        self._allowance_bytes = min(self._limit_bytes, self._allowance_bytes + earned_bytes - repaid_bytes)
        mean_bytes = payload_bytes / count
        # Half the weight on the newest images: payloads of one device are much alike.
        old = mean_bytes if self._payload_bytes is None else self._payload_bytes
        self._payload_bytes = 0.5 * (old + mean_bytes)

    def sample_seen(self, endpoint: str, now_s: float) -> None:
        """An image went to the endpoint and was answered: the next probe can wait, and no upload is needed."""
        state = self._endpoints.get(endpoint)
        if state is not None:
            state.uploaded_s = now_s
            state.unused = 0
            state.due_s = max(state.due_s, now_s + self._jittered(1.0)) if not state.down else state.due_s

    def set_down(self, endpoint: str, down: bool, now_s: float) -> None:
        """The endpoint was taken out of service, or put back."""
        state = self._endpoints.get(endpoint)
        if state is None or state.down == down:
            return
        state.down, state.retries, state.may_upload = down, 0, False
        state.due_s = now_s + self._jittered(self._retry(state) if down else 1.0)

    def wake_s(self, now_s: float) -> float | None:
        """Return when `start` may next have something to do; None if only an image can bring that about."""
        if self._running is not None:
            return None
        times = [
            state.due_s
            for state in self._endpoints.values()
            if state.ping_bytes <= self._allowance_bytes
            and (state.down or max(state.due_s, now_s) < self._active_s + IDLE_AFTER_S)
        ]
        return min(times, default=None)

    def start(self, now_s: float) -> Probe | None:
        """Return the most overdue probe, which counts as running until `finish`; None if there is none to do."""
        if self._running is not None:
            return None
        idle = now_s >= self._active_s + IDLE_AFTER_S
        due = [
            (state.due_s, name)
            for name, state in self._endpoints.items()
            if state.due_s <= now_s and (state.down or not idle) and state.ping_bytes <= self._allowance_bytes
        ]
        if not due:
            return None
        name = min(due)[1]
        state = self._endpoints[name]
        limit_s = _MAX_RETRY * self._interval_s if state.down else None
        probe = Probe(endpoint=name, upload_bytes=self._upload_bytes(state, now_s), limit_s=limit_s)
        state.begun_s = now_s
        cost = state.ping_bytes
        if probe.upload_bytes is not None:
            cost = probe.upload_bytes + state.upload_overhead_bytes
        self._allowance_bytes -= cost
        self._running = (probe, cost)
        return probe

    def finish(self, probe: Probe, *, spent_bytes: int, success: bool, now_s: float) -> None:
        """Settle a probe: replace what was set aside for it by what it cost, and set the endpoint's next time."""
        assert self._running is not None, "a probe ends that was not started"
        assert self._running[0] is probe, "a probe ends that was not started"
        reserved = self._running[1]
        self._running = None
        self._allowance_bytes += reserved - spent_bytes
        state = self._endpoints[probe.endpoint]
        if success:
            self._learn_cost(state, probe, spent_bytes)
        if probe.upload_bytes is not None:
            state.uploaded_s = now_s
        state.may_upload = success and probe.upload_bytes is None
        state.retries = 0 if success else state.retries + 1
        state.unused += 1
        factor = self._pause(state) if success and not state.down else self._retry(state)
        if state.uploaded_s is None and self._upload_bytes(state, now_s) is not None:
            factor = _SOON  # nothing but a round trip is known of this link yet
        state.due_s = max((state.begun_s if state.down else now_s) + self._jittered(factor), now_s)

    def abandon(self) -> None:
        """Forget the running probe, if there is one. What was set aside for it stays spent."""
        self._running = None

    def _upload_bytes(self, state: _Endpoint, now_s: float) -> int | None:
        if state.down or not state.may_upload:
            return None
        if state.uploaded_s is not None and now_s < state.uploaded_s + self._interval_s:
            return None
        wanted = DEFAULT_UPLOAD_BYTES if self._payload_bytes is None else round(self._payload_bytes)
        size = min(MAX_UPLOAD_BYTES, max(MIN_UPLOAD_BYTES, wanted))
        spare = int(self._allowance_bytes) - state.upload_overhead_bytes - PINGS_IN_RESERVE * state.ping_bytes
        if state.uploaded_s is None:  # a small one tells more than none
            size = min(size, spare)
        return size if MIN_UPLOAD_BYTES <= size <= spare else None

    def _learn_cost(self, state: _Endpoint, probe: Probe, spent_bytes: int) -> None:
        # The dearest so far, as only an estimate that is not too low keeps the budget.
        if probe.upload_bytes is None:
            state.ping_bytes = max(state.ping_bytes, spent_bytes)
        else:
            state.upload_overhead_bytes = max(state.upload_overhead_bytes, spent_bytes - probe.upload_bytes)

    def _pause(self, state: _Endpoint) -> float:
        return min(_GROWTH ** max(min(state.unused, 99) - _PATIENCE, 0), _MOST_PAUSE)

    def _retry(self, state: _Endpoint) -> float:
        # The exponent is capped as well: an endpoint that is down for a week must not overflow a float.
        return min(_MAX_RETRY, _FIRST_RETRY * _RETRY_GROWTH ** min(state.retries, 8))

    def _jittered(self, intervals: float) -> float:
        return self._interval_s * intervals * self._rng.uniform(1.0 - JITTER_FRAC, 1.0 + JITTER_FRAC)
