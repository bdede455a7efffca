"""Who asks, when, and what of: the load of a round, and the requests that look for its end. Sends nothing."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from benchmarks.server.arrivals import poisson_arrivals_s
from benchmarks.server.stacks import form
from offload_sdk.wire import RequestContext

__all__ = ["Caller", "crowd", "probes", "requests"]

_URGENT_SHARE = 1 / 3
_PATIENT = RequestContext(deadline_s=2.0, battery_frac=0.9, signal_dbm=-55.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A device that asks once: `at_s` after the load begins, with the picture of this number."""

    at_s: float
    kind: Literal["urgent", "patient", "probe"]
    context: RequestContext
    picture: int


def crowd(*, per_s: float, load_s: float, urgent_s: float, pictures: int, rng: random.Random) -> list[Caller]:
    """Poisson arrivals for `load_s`. A third of them is urgent: its battery is at 8 %, and it has `urgent_s`."""
    urgent = RequestContext(deadline_s=urgent_s, battery_frac=0.08, signal_dbm=-80.0)
    callers = []
    for at_s in poisson_arrivals_s(per_s, load_s, rng):
        picture = rng.randrange(pictures)
        if rng.random() < _URGENT_SHARE:
            callers.append(Caller(at_s=at_s, kind="urgent", context=urgent, picture=picture))
        else:
            callers.append(Caller(at_s=at_s, kind="patient", context=_PATIENT, picture=picture))
    return callers


def probes(*, per_s: float, begin_s: float, duration_s: float, pictures: int) -> list[Caller]:
    """At equal intervals from `begin_s` on, and without any device's state."""
    return [
        Caller(at_s=begin_s + n / per_s, kind="probe", context=RequestContext(), picture=n % pictures)
        for n in range(math.ceil(per_s * duration_s))
    ]


def requests(callers: Sequence[Caller], payloads: Sequence[bytes]) -> list[bytes]:
    """The HTTP request of each; like ones are one object, so that a process that is handed them gets each once."""
    made: dict[tuple[str, int], bytes] = {}
    for caller in callers:
        key = (caller.kind, caller.picture)
        if key not in made:
            made[key] = form(payloads[caller.picture], caller.context)
    return [made[caller.kind, caller.picture] for caller in callers]
