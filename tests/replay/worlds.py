"""Logs made up from known times of both sides, so that what any policy costs on them is known too.

Asserts nothing. Times are log-normal around levels that wander (AR(1)), as those of links do.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from offload_sdk._types import (
    Decision,
    Estimate,
    ImageInfo,
    Label,
    Latency,
    OptionPath,
    Outcome,
    OutcomeRole,
    Record,
    Situation,
    Snapshot,
)
from offload_sdk.decide import Fixed, Minimise, by_latency
from offload_sdk.typing import Policy

LABELS = (Label(name="tabby", probability=0.8, index=281),)
IMAGE = ImageInfo(format="JPEG", width=640, height=480, encoded_bytes=60_000)
OPEN_S = 0.001
PAYLOAD_BYTES = 30_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One image's true times and what was predicted of them."""

    local_s: float
    remote_s: float
    local_mean_s: float
    remote_mean_s: float


def named(name: str) -> Policy:
    """The policies that need no settings."""
    if name == "latency":
        return Minimise("latency", by_latency, str)
    return Fixed("local") if name == "local" else Fixed("remote")


def moments(
    count: int, seed: int, *, persistence: float = 0.9, spread: float = 0.4, noise: float = 0.15, bias: float = 1.0
) -> list[Moment]:
    """Both sides around 60 ms; `bias` is by how much the remote predictions are too high."""
    rng = random.Random(seed)
    level = rng.gauss(0.0, spread)
    seen = level
    made: list[Moment] = []
    for _ in range(count):
        level = persistence * level + math.sqrt(1.0 - persistence**2) * rng.gauss(0.0, spread)
        remote_s = 0.060 * math.exp(level + rng.gauss(0.0, noise))
        local_s = 0.062 * math.exp(rng.gauss(0.0, 0.05))
        made.append(
            Moment(
                local_s=local_s,
                remote_s=remote_s,
                local_mean_s=0.062,
                remote_mean_s=bias * 0.060 * math.exp(seen),
            )
        )
        seen = 0.5 * seen + 0.5 * math.log(remote_s / 0.060)
    return made


def estimates(moment: Moment) -> tuple[Estimate, Estimate]:
    return (
        Estimate(
            option="local",
            path="local",
            latency=Latency(mean_s=moment.local_mean_s, sd_s=0.1 * moment.local_mean_s),
            energy_j=0.2,
        ),
        Estimate(
            option="cloud",
            path="remote",
            latency=Latency(mean_s=moment.remote_mean_s, sd_s=0.5 * moment.remote_mean_s),
            energy_j=0.05,
            cost_usd=1e-5,
            payload_bytes=PAYLOAD_BYTES,
        ),
    )


def outcome(option: str, latency_s: float, role: OutcomeRole = "answer", **changes: object) -> Outcome:
    path: OptionPath = "local" if option == "local" else "remote"
    values: dict[str, object] = {
        "option": option,
        "path": path,
        "status": "success",
        "role": role,
        "started_s": 0.0,
        "latency_s": latency_s,
        "energy_j": 0.2 if path == "local" else 0.05,
        "cost_usd": 0.0 if path == "local" else 1e-5,
        "sent_bytes": 0 if path == "local" else PAYLOAD_BYTES,
        "labels": LABELS,
    }
    return Outcome(**{**values, **changes})  # type: ignore[arg-type]


def record(
    number: int,
    decision: Decision,
    outcomes: Sequence[Outcome],
    latency_s: float,
    *,
    deadline_s: float | None = None,
) -> Record:
    answer = next((o for o in outcomes if o.status == "success" and o.role != "shadow"), None)
    return Record(
        request_id=f"id-{number}",
        wall_s=4e9 + number,  # so late that no limit of age ever deletes it
        image=IMAGE,
        snapshot=Snapshot(taken_s=float(number), on_mains=True),
        decision=decision,
        outcomes=tuple(outcomes),
        labels=LABELS if answer else (),
        path=answer.path if answer else None,
        endpoint=answer.option if answer and answer.path == "remote" else None,
        model="m",
        latency_s=latency_s,
        timings={"open": OPEN_S, "decide": 0.0},
        deadline_s=deadline_s,
    )


def log(
    world: Sequence[Moment],
    policy: Policy,
    *,
    shadow_rate: float = 0.0,
    seed: int = 0,
    deadline_s: float | None = None,
    explore: float = 0.0,
) -> list[Record]:
    """What the SDK would have logged under `policy`: no failures, no hedges. `explore`: chance of the other."""
    rng = random.Random(seed)
    records: list[Record] = []
    for number, moment in enumerate(world):
        situation = Situation(
            estimates=estimates(moment), snapshot=Snapshot(taken_s=float(number), on_mains=True), image=IMAGE
        )
        decision = policy.decide(situation)
        chosen = decision.chosen
        if rng.random() < explore:
            chosen = "cloud" if chosen == "local" else "local"
            propensity = explore
        else:
            propensity = 1.0 - explore
        other = "cloud" if chosen == "local" else "local"
        shadowed = rng.random() < shadow_rate
        times = {"local": moment.local_s, "cloud": moment.remote_s}
        outcomes = [outcome(chosen, times[chosen])]
        if shadowed:
            outcomes.append(outcome(other, times[other], "shadow"))
        decision = Decision(
            chosen=chosen,
            path="local" if chosen == "local" else "remote",
            policy=decision.policy,
            reason=decision.reason,
            predicted=decision.predicted,
            propensity=propensity,
            shadow=(other,) if shadowed else (),
        )
        records.append(record(number, decision, outcomes, OPEN_S + times[chosen], deadline_s=deadline_s))
    return records


def true_mean_s(world: Sequence[Moment], choose: Callable[[Moment], str]) -> float:
    """The mean time of a policy without hedges, failures or impatience."""
    times = [moment.local_s if choose(moment) == "local" else moment.remote_s for moment in world]
    return OPEN_S + math.fsum(times) / len(times)


def faster_as_predicted(moment: Moment) -> str:
    return "local" if moment.local_mean_s <= moment.remote_mean_s else "cloud"
