"""A link that dies and comes back under the live SDK: how long each image took, and when remote was used again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.live.course import Course, paced
from benchmarks.live.rig import Entry, Finish, run_course
from offload_sdk._config import ProbeConfig
from offload_sdk._types import Decision
from offload_sdk.testing import LinkEmulator, LinkSample, LinkTrace

__all__ = ["Recovery", "outages", "recovery"]

_MBPS, _RTT_MS = 50.0, 10.0
_GOOD = LinkTrace.constant(_MBPS, _RTT_MS)
_DIES_S, _BACK_S, _ENDS_S = 18.2, 48.2, 58.0
_INTERVAL_S = 0.25  # between images: short against the intervals of probes


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """One outage, with `images` in it; just before, the endpoint answered the share `before_frac`.

    The first image that was left to the endpoint alone for a while took `first_s` (if there was one: else the
    first of all). So were `waited` later ones. The slowest of all others took `worst_s`, the median is `usual_s`.
    `both` were given to both sides.

    `back_s` passed from the link's return to the start of the first image that the endpoint answered (None: it
    never did), `probes_s` are two intervals of probes, `interval_s` is the one of images.
    """

    kind: str
    before_frac: float
    first_s: float
    images: int
    waited: int
    both: int
    worst_s: float
    usual_s: float
    back_s: float | None
    probes_s: float
    interval_s: float


def outages(
    board_s: float, payload_bytes: int, *, limited: bool, seed: int
) -> tuple[Course, Mapping[str, Finish]]:
    """Let `auto` meet three outages side by side: a rate of 0, vanishing bytes, and a server that has gone."""
    samples = [
        LinkSample(uplink_mbps=_MBPS, rtt_ms=_RTT_MS),
        LinkSample(t_s=_DIES_S, uplink_mbps=0.0, rtt_ms=_RTT_MS),
        LinkSample(t_s=_BACK_S, uplink_mbps=_MBPS, rtt_ms=_RTT_MS),
    ]
    course = paced(
        _GOOD,
        board_s=board_s,
        payload_bytes=payload_bytes,
        count=round(_ENDS_S / _INTERVAL_S),
        interval_s=_INTERVAL_S,
        seed=seed,
    )
    entries = [
        Entry(name="rate 0", policy="auto", link=LinkTrace(samples, repeat=False)),
        Entry(name="black hole", policy="auto", events=((_DIES_S, _swallow), (_BACK_S, _deliver))),
        Entry(name="server gone", policy="auto", events=((_DIES_S, _go), (_BACK_S, _come))),
    ]
    return course, run_course(course, entries, limited=limited, seed=seed)


def recovery(kind: str, finish: Finish) -> Recovery:
    rows = {row.request_id: row for row in finish.rows}
    told = [(call, rows[call.request_id]) for call in finish.lap.calls]
    before = [row.path for call, row in told if _DIES_S / 2.0 < call.since_s < _DIES_S]
    during = [(call, row) for call, row in told if _DIES_S <= call.since_s < _BACK_S]
    waited_s = [call.latency_s for call, row in during if _waits(row.decision)]
    local_s = sorted(call.latency_s for call, row in during if not _waits(row.decision))
    back = next((call.since_s for call, row in told if call.since_s >= _BACK_S and row.path == "remote"), None)
    return Recovery(
        kind=kind,
        before_frac=before.count("remote") / len(before),
        first_s=waited_s[0] if waited_s else during[0][0].latency_s,
        images=len(during),
        waited=max(len(waited_s) - 1, 0),
        both=sum(row.hedged for _, row in during),
        worst_s=max(waited_s[1:] + local_s),
        usual_s=local_s[len(local_s) // 2],
        back_s=None if back is None else back - _BACK_S,
        probes_s=2.0 * ProbeConfig().interval_s,
        interval_s=_INTERVAL_S,
    )


def _waits(decision: Decision) -> bool:
    """Whether the device was not to start at once."""
    return decision.path == "remote" and decision.second_after_s != 0.0


def _swallow(link: LinkEmulator) -> None:
    link.black_hole(True)


def _deliver(link: LinkEmulator) -> None:
    link.black_hole(False)


def _go(link: LinkEmulator) -> None:
    link.refuse(True)
    link.reset()


def _come(link: LinkEmulator) -> None:
    link.refuse(False)
