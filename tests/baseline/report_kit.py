"""Experiments to report on: the published one, and one made up."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence
from typing import Any

from offload_sdk.baseline.measurement import Measurement, PayloadKind
from offload_sdk.baseline.report.contents import contents
from offload_sdk.baseline.report.page import page
from offload_sdk.baseline.summary import Run, Series, Summary, Target

# Total seconds, mean seconds per image, US dollars: every run as the study of the two platforms prints it.
PUBLISHED = {
    "fargate": ((1830.86, 3.05, 0.07), (1837.39, 3.06, 0.07), (1790.19, 2.98, 0.07)),
    "ec2": ((1724.15, 2.87, 0.09), (1748.85, 2.91, 0.09), (1730.65, 2.88, 0.09)),
}


def series(runs: Sequence[Run], payload: PayloadKind = "sdk", **changes: Any) -> Series:
    def known(name: str) -> list[float]:
        return [value for run in runs if (value := getattr(run, name)) is not None]

    def mean(name: str) -> float | None:
        return statistics.fmean(known(name)) if len(known(name)) == len(runs) else None

    def sd(name: str) -> float | None:
        return statistics.stdev(known(name)) if len(known(name)) > 1 else None

    return Series(
        payload=payload,
        runs=tuple(runs),
        mean_total_s=mean("total_s"),
        sd_total_s=sd("total_s"),
        mean_s=mean("mean_s"),
        sd_s=sd("mean_s"),
        mean_cost_usd=mean("cost_usd"),
        mean_energy_j=mean("energy_j"),
        failures=sum(run.failures for run in runs),
        **changes,
    )


def imported(runs: dict[str, Any] | None = None) -> Summary:
    """Runs that were measured elsewhere: by default the published ones."""
    targets = [
        Target(
            name=name,
            path="remote",
            platform=name,
            series=series(
                [Run(total_s=total_s, mean_s=mean_s, cost_usd=cost_usd) for total_s, mean_s, cost_usd in theirs],
                "original",
            ),
        )
        for name, theirs in (runs or PUBLISHED).items()
    ]
    return Summary(targets=tuple(targets), repeat=3, imported=True)


def experiment(
    images: int = 40, repeat: int = 3, clouds: Sequence[str] = ("fargate", "ec2"), prefix: str = "image"
) -> tuple[Summary, list[Measurement]]:
    """A device and servers, all made up: 60 ms locally; 90 ms by the SDK's payload, more by the file's bytes."""
    rng = random.Random(1)
    sizes = [round(math.exp(rng.uniform(math.log(2e3), math.log(5e6)))) for _ in range(images)]
    found: list[Measurement] = []
    ways: list[tuple[str, PayloadKind]] = [("local", "sdk")]
    for cloud in clouds:
        ways += [(cloud, "sdk"), (cloud, "original")]
    for run in range(1, repeat + 1):
        keys = [(image, way) for image in range(images) for way in ways]
        rng.shuffle(keys)
        for position, (image, (target, payload)) in enumerate(keys):
            sent = 0 if target == "local" else 15_000 if payload == "sdk" else sizes[image]
            seconds = (0.06 if target == "local" else 0.08 + sent / 1.25e6) * math.exp(rng.gauss(0.0, 0.1))
            failed = target != "local" and rng.random() < 0.02
            found.append(
                Measurement(
                    run=run,
                    image=f"{prefix}{image}.jpg",
                    target=target,
                    payload=payload,
                    position=position,
                    began_wall_s=1.79e9 + 7200.0 * run + 0.2 * position,
                    latency_s=seconds,
                    failure="timeout" if failed else None,
                    image_bytes=sizes[image],
                    sent_bytes=sent,
                    received_bytes=300 if sent else 0,
                    server_s=0.04 if sent and not failed else None,
                    energy_j=seconds * (3.0 if target == "local" else 0.6),
                    energy_source="modelled",
                )
            )
    summary = Summary(
        targets=tuple(
            Target(
                name=name,
                path="local" if name == "local" else "remote",
                series=_measured(found, name, "sdk"),
                original=None if name == "local" else _measured(found, name, "original"),
                platform=None if name == "local" else "fargate",
                platform_assumed=name not in ("local", "fargate"),
            )
            for name in ("local", *clouds)
        ),
        repeat=repeat,
        images=images,
        image_bytes=sum(sizes),
        machine={"board": "Raspberry Pi 4 Model B", "cores": 4, "governor": None, "ram_bytes": 4_000_000_000},
        links={name: {"rtt_s": 0.02, "uplink_bytes_per_s": 1.25e6} for name in clouds},
    )
    return summary, found


def html(summary: Summary, measurements: Sequence[Measurement]) -> str:
    """The page alone, without the other files."""
    found = contents(summary, measurements)
    return page(found.title, found.facts, found.findings, found.sections)


def _measured(found: Sequence[Measurement], target: str, payload: PayloadKind) -> Series:
    own = [m for m in found if (m.target, m.payload) == (target, payload)]
    runs = []
    for number in sorted({m.run for m in own}):
        these = [m for m in own if m.run == number]
        answered = [m.latency_s for m in these if m.failure is None]
        runs.append(
            Run(
                total_s=math.fsum(m.latency_s for m in these),
                mean_s=statistics.fmean(answered),
                images=len(these),
                failures=len(these) - len(answered),
                sent_bytes=sum(m.sent_bytes for m in these),
                received_bytes=sum(m.received_bytes for m in these),
                energy_j=math.fsum(m.energy_j or 0.0 for m in these),
                cost_usd=0.0 if target == "local" else 7e-6 * math.fsum(m.latency_s for m in these),
            )
        )
    answered = sorted(m.latency_s for m in own if m.failure is None)
    return series(
        runs,
        payload,
        energy_source="modelled",
        p50_s=statistics.median(answered),
        p95_s=answered[int(0.95 * len(answered))],
        image_sd_s=statistics.stdev(answered),
    )
