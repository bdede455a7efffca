"""What the measurements came to: a line per client, the ratio to the prototype, and where it comes from. Pure."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.experiment.links import Link
from offload_sdk.baseline.measurement import Measurement
from offload_sdk.report.spread import quantile, spread_of

__all__ = ["Parts", "Side", "best_remote_s", "parts", "sides"]

_RESAMPLES = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One client. Times in seconds are of the images that it and the prototype answered; `ratio` is the
    prototype's mean over its own, with 95 % of those of images drawn anew (percentile bootstrap, pairs kept)."""

    name: str
    images: int
    failures: int
    mean_s: float
    p50_s: float
    p95_s: float
    sent_bytes: float
    ratio: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A mean time in seconds by what it was spent on. The first three follow from the link's law; `server_s` is
    what the server told, None if it tells nothing; `rest_s` is all else: client, HTTP, and an untold server."""

    transfer_s: float
    connection_s: float
    round_trip_s: float
    server_s: float | None
    rest_s: float


def sides(measurements: Sequence[Measurement], prototype: str) -> list[Side]:
    """A line per client in the order of their names' first measurement, the prototype first."""
    by_client: dict[str, dict[str, Measurement]] = {prototype: {}}
    for measurement in sorted(measurements, key=lambda each: each.target):
        by_client.setdefault(measurement.target, {})[measurement.image] = measurement
    theirs = by_client[prototype]
    return [_side(name, theirs, own) for name, own in by_client.items()]


def _side(name: str, theirs: Mapping[str, Measurement], own: Mapping[str, Measurement]) -> Side:
    both = [
        image
        for image, mine in own.items()
        if mine.failure is None and image in theirs and theirs[image].failure is None
    ]
    pairs = [(theirs[image].latency_s, own[image].latency_s) for image in both]
    spread = spread_of(mine for _, mine in pairs)
    if spread.mean is None or spread.p50 is None or spread.p95 is None:
        raise ValueError(f"{name} answered no image that the prototype answered")
    rng = random.Random(0)
    ratios = sorted(_ratio(rng.choices(pairs, k=len(pairs))) for _ in range(_RESAMPLES))
    return Side(
        name=name,
        images=len(pairs),
        failures=sum(m.failure is not None for m in own.values()),
        mean_s=spread.mean,
        p50_s=spread.p50,
        p95_s=spread.p95,
        sent_bytes=math.fsum(own[image].sent_bytes for image in both) / len(both),
        ratio=_ratio(pairs),
        low=quantile(ratios, 0.025),
        high=quantile(ratios, 0.975),
    )


def _ratio(pairs: Sequence[tuple[float, float]]) -> float:
    return math.fsum(theirs for theirs, _ in pairs) / math.fsum(mine for _, mine in pairs)


def parts(measurements: Sequence[Measurement], link: Link, *, connects: bool) -> Parts:
    """Split the mean time of one client that sends every image. `connects`: it opens a connection for each."""
    answered = [m for m in measurements if m.failure is None]
    mean_s = math.fsum(m.latency_s for m in answered) / len(answered)
    transfer_s = link.transfer_s(math.fsum(m.sent_bytes for m in answered) / len(answered))
    connection_s = link.rtt_s if connects else 0.0
    told_s = [m.server_s for m in answered if m.server_s is not None]
    server_s = math.fsum(told_s) / len(told_s) if told_s else None
    return Parts(
        transfer_s=transfer_s,
        connection_s=connection_s,
        round_trip_s=link.rtt_s,
        server_s=server_s,
        rest_s=mean_s - transfer_s - connection_s - link.rtt_s - (server_s or 0.0),
    )


def best_remote_s(split: Parts) -> float:
    """What no client and no server could go below that sends as many bytes and waits for the answer."""
    return split.transfer_s + split.round_trip_s
