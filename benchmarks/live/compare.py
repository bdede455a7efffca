"""Live beside simulated, image by image, and what must hold of every live run. Prints nothing."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.live.course import Course
from benchmarks.live.rig import Finish
from offload_sdk._types import OptionPath, Record

__all__ = ["Comparison", "Fate", "Side", "compare", "faults", "lived"]

_RESAMPLES = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What became of one image, live or simulated. `duplicate`: an upload was begun and the device computed."""

    latency_s: float
    path: OptionPath
    duplicate: bool


Fates = Mapping[int, Fate]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    mean_s: float
    p50_s: float
    p99_s: float
    remote_frac: float
    duplicate_frac: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`off_frac` is the live mean over the simulated one, minus 1, with its 95 % interval over pieces of the link.

    `chance_frac` is the standard deviation of the simulated means, whose times of computing and probes differ by
    chance: a live run is one more such draw.
    """

    policy: str
    live: Side
    simulated: Side
    off_frac: float
    low_frac: float
    high_frac: float
    chance_frac: float


def lived(finish: Finish) -> dict[int, Fate]:
    rows = {row.request_id: row for row in finish.rows}
    return {
        call.index: Fate(
            latency_s=call.latency_s,
            path=rows[call.request_id].path or "local",
            duplicate=_duplicate(rows[call.request_id]),
        )
        for call in finish.lap.calls
    }


def compare(policy: str, course: Course, live: Fates, runs: Sequence[Fates]) -> Comparison:
    counted = [n for n in course.counted if n in live]
    wanted_s = {n: sum(run[n].latency_s for run in runs) / len(runs) for n in counted}
    pieces: dict[int, list[int]] = {}
    for index in counted:
        pieces.setdefault(course.piece(index), []).append(index)
    sums = [(sum(live[n].latency_s for n in piece), sum(wanted_s[n] for n in piece)) for piece in pieces.values()]
    low, high = _interval(sums)
    means = [sum(run[n].latency_s for n in counted) / len(counted) for run in runs]
    mean = sum(means) / len(means)
    spread = math.sqrt(sum((value - mean) ** 2 for value in means) / max(len(means) - 1, 1))
    return Comparison(
        policy=policy,
        live=_side([live[n] for n in counted]),
        simulated=_side([run[n] for run in runs for n in counted]),
        off_frac=_ratio(sums),
        low_frac=low,
        high_frac=high,
        chance_frac=spread / mean,
    )


def faults(name: str, course: Course, finish: Finish) -> list[str]:
    """What a live run did that it must not, in words."""
    found = [f"{name}: {error}" for error in finish.lap.errors]
    found += [f"{name}: the thread {thread} outlived the Offloader" for thread in finish.lap.threads_left]
    rows = Counter(row.request_id for row in finish.rows)
    for call in finish.lap.calls:
        if rows[call.request_id] != 1:
            found.append(f"{name}: image {call.index} has {rows[call.request_id]} rows in the log")
        if not call.labels:
            found.append(f"{name}: image {call.index} has no labels")
    answered = {call.index for call in finish.lap.calls}
    found += [f"{name}: image {n} was not answered" for n in range(len(course.images)) if n not in answered]
    if extra := set(rows) - {call.request_id for call in finish.lap.calls}:
        found.append(f"{name}: {len(extra)} rows of images that nobody asked about")
    for row in finish.rows:
        options = Counter(outcome.option for outcome in row.outcomes if outcome.role != "shadow")
        found += [f"{name}: {option} stands {n} times in a row" for option, n in options.items() if n > 1]
    return found


def _duplicate(row: Record) -> bool:
    worked = {outcome.path for outcome in row.outcomes if outcome.error_kind != "busy"}
    return row.hedged or len(worked) > 1


def _side(fates: Sequence[Fate]) -> Side:
    times = sorted(fate.latency_s for fate in fates)
    return Side(
        mean_s=sum(times) / len(times),
        p50_s=times[len(times) // 2],
        p99_s=times[min(int(0.99 * len(times)), len(times) - 1)],
        remote_frac=_share(fates, lambda fate: fate.path == "remote"),
        duplicate_frac=_share(fates, lambda fate: fate.duplicate),
    )


def _share(fates: Sequence[Fate], has: Callable[[Fate], bool]) -> float:
    return sum(map(has, fates)) / len(fates)


def _ratio(sums: Sequence[tuple[float, float]]) -> float:
    return sum(one for one, _ in sums) / sum(other for _, other in sums) - 1.0


def _interval(sums: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """95 % of the ratios over pieces drawn with replacement (percentile bootstrap)."""
    rng = random.Random(0)
    ratios = sorted(_ratio(rng.choices(sums, k=len(sums))) for _ in range(_RESAMPLES))
    return ratios[int(0.025 * _RESAMPLES)], ratios[int(0.975 * _RESAMPLES) - 1]
