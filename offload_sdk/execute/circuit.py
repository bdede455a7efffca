"""The circuit breaker of one endpoint: a state machine over outcomes. Pure; the time is handed in.

closed ──failures in a row──▶ open ──cooldown over──▶ half-open ──success──▶ closed
  ▲                            │ ▲                        │
  └──── a ping got through ────┘ └──────── failure ───────┘   (the cooldown doubles)
"""

from __future__ import annotations

import math
import random

from offload_sdk._types import Outcome

__all__ = ["Circuit", "tell_circuit"]

_JITTER = 0.2
_NETWORK_KINDS = frozenset({"connect", "timeout", "broken"})


class Circuit:
    """Opens after `failures` failures in a row; each time it fails again half-open, the cooldown doubles.

    Half-open lets one image through at a time. Cooldowns are jittered by ±20 %, so that many devices do not
    come back to a recovering server in step. With `probed`, background pings watch the endpoint: then one
    failure of the network is enough to open, as a ping closes again soon if it was nothing; and after it no
    image is risked before a ping has got through, or `max_cooldown_s` is over. A ping that gets through also
    closes after a fault of the server that an earlier one has met (a proxy's 502, for one).

    What times out looks slow, and what looks slow is waited for longer: so a trial may take no longer than the
    attempts before it (`trial_s`). Without pings that doubles with every failed trial, else a link that has
    become slower would never be seen again.
    Not thread-safe; the caller holds a lock.
    """

    def __init__(
        self,
        *,
        failures: int,
        cooldown_s: float,
        max_cooldown_s: float,
        probed: bool = False,
        rng: random.Random | None = None,
    ) -> None:
        self._limit = failures
        self._first_cooldown_s = cooldown_s
        self._max_cooldown_s = max_cooldown_s
        self._probed = probed
        self._rng = rng or random.Random()
        self._row = 0
        self._cooldown_s = cooldown_s
        self._open_until_s: float | None = None
        self._trial_until_s: float | None = None
        self._lasts_s = math.inf  # the shortest that was allowed to an attempt since the last answer
        self._by_ping = False  # whether pings meet the fault, so that they show its end
        self._why = ""

    @property
    def is_open(self) -> bool:
        """Whether the endpoint is out of service; true also half-open, until a trial has succeeded."""
        return self._open_until_s is not None

    @property
    def trial_s(self) -> float:
        """How long an attempt may take for the circuit's sake, seconds; infinite while it is closed."""
        return math.inf if self._open_until_s is None else self._lasts_s

    def barred(self, now_s: float) -> str | None:
        """Return None if a request may be sent now, else the reason in words."""
        if self._open_until_s is None:
            return None
        left_s = self._open_until_s - now_s
        if left_s > 0.0:
            return f"{self._why}, tried again in at most {left_s:.1f} s"
        if self._trial_until_s is not None and now_s < self._trial_until_s:
            return f"{self._why}, a trial is under way"
        return None

    def begin(self, now_s: float, lasts_s: float) -> bool:
        """Note that a request is sent; half-open, it is the one trial, for at most `lasts_s`. Returns false if
        it should not be sent: the circuit is open, or another trial was quicker."""
        if self.barred(now_s) is not None:
            return False
        if self._open_until_s is None:
            self._lasts_s = min(self._lasts_s, lasts_s)
        else:
            self._trial_until_s = now_s + lasts_s
        return True

    def success(self) -> None:
        """Close: the endpoint answered an image."""
        self._row = 0
        self._cooldown_s = self._first_cooldown_s
        self._open_until_s = self._trial_until_s = None
        self._lasts_s = math.inf

    def reached(self) -> None:
        """A ping got through. Closes if pings show the fault's end; the next failure opens again at once."""
        if self._open_until_s is not None and self._by_ping:
            self._row = self._limit - 1
            self._open_until_s = self._trial_until_s = None

    def abandon(self) -> None:
        """Forget a trial that told nothing (it was cancelled before it could fail or succeed)."""
        self._trial_until_s = None

    def failure(
        self, now_s: float, why: str, *, kind: str, stay_away_s: float | None = None, ping: bool = False
    ) -> None:
        """Count a failure, of a `ping` or a request; `kind` is that of `RemoteError`. `stay_away_s` opens at once,
        for so long."""
        self._row += 1
        network = kind in _NETWORK_KINDS
        enough = self._row >= self._limit or stay_away_s is not None or (self._probed and network)
        if self._open_until_s is None and not enough:
            return
        if self._open_until_s is not None and self._trial_until_s is None and now_s < self._open_until_s:
            self._by_ping |= ping and stay_away_s is None
            return  # sent before the circuit opened, or a probe: it says nothing else that is new
        cooldown_s = self._max_cooldown_s if network and self._probed else self._cooldown_s
        if stay_away_s is not None:
            cooldown_s = min(stay_away_s, self._max_cooldown_s)
        met = network or ping or (self.is_open and self._by_ping)
        self._by_ping = met and stay_away_s is None
        if self._trial_until_s is not None and not self._probed:
            self._lasts_s *= 2.0
        self._open_until_s = now_s + cooldown_s * self._rng.uniform(1.0 - _JITTER, 1.0 + _JITTER)
        self._trial_until_s = None
        self._why = f"{self._row} failures in a row ({why})" if self._row > 1 else why
        self._cooldown_s = min(2.0 * self._cooldown_s, self._max_cooldown_s)


def tell_circuit(circuit: Circuit, outcome: Outcome) -> None:
    """Tell a circuit how an attempt or a probe ended.

    A refused image counts too: an endpoint that takes none is of no use. Our own haste and overload do not.
    """
    if outcome.answered:
        circuit.success()
    elif outcome.status == "success":
        circuit.reached()
    elif outcome.status == "ignored" and outcome.error_kind != "input":
        circuit.abandon()
    else:
        circuit.failure(
            outcome.started_s + outcome.latency_s,
            outcome.error or "failed",
            kind=outcome.error_kind or "status",
            stay_away_s=outcome.retry_after_s,
            ping=outcome.role == "probe",
        )
