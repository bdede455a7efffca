"""Situations for the tests of policies: made by hand or drawn at random. No assertions here."""

from __future__ import annotations

import random
from collections.abc import Mapping

from hypothesis import strategies as st

from offload_sdk._types import Estimate, ImageInfo, Label, Latency, Outcome, Situation, Snapshot
from offload_sdk.decide import policy_by_name
from offload_sdk.typing import Policy

POLICY_NAMES = ("auto", "bandit", "cost", "deadline", "energy", "latency", "local", "remote")
PRICES = {
    "seconds_per_joule": 0.02,
    "seconds_per_usd": 500.0,
    "duplicates_frac": 0.1,
    "battery_threshold_frac": 0.15,
    "signal_threshold_dbm": -88.0,
    "deadline_probability": 0.9,
}
IMAGE = ImageInfo(format="JPEG", width=640, height=480, encoded_bytes=60_000)
MAINS = Snapshot(taken_s=0.0, on_mains=True, battery_frac=1.0)


def policy(name: str, *, seed: int = 0, **changed: float) -> Policy:
    return policy_by_name(name, **{**PRICES, **changed}, rng=random.Random(seed))


def estimate(
    option: str = "local",
    mean_s: float = 0.05,
    *,
    sd_s: float = 0.005,
    energy_j: float | None = 0.1,
    cost_usd: float = 0.0,
    success: float = 1.0,
) -> Estimate:
    return Estimate(
        option=option,
        path="local" if option == "local" else "remote",
        latency=Latency(mean_s=mean_s, sd_s=sd_s),
        energy_j=energy_j,
        cost_usd=cost_usd,
        success_probability=success,
    )


def situation(
    *estimates: Estimate,
    snapshot: Snapshot = MAINS,
    deadline_s: float | None = None,
    unavailable: Mapping[str, str] | None = None,
) -> Situation:
    return Situation(
        estimates=estimates,
        snapshot=snapshot,
        image=IMAGE,
        deadline_s=deadline_s,
        unavailable=unavailable or {},
    )


def outcome(option: str = "local", latency_s: float = 0.05, **changed: object) -> Outcome:
    values: dict[str, object] = {"status": "success", "role": "answer", "started_s": 0.0, **changed}
    path = "local" if option == "local" else "remote"
    return Outcome(option=option, path=path, latency_s=latency_s, **values)  # type: ignore[arg-type]


def on_battery(charge: float | None, signal_dbm: float | None = None) -> Snapshot:
    return Snapshot(taken_s=0.0, on_mains=False, battery_frac=charge, signal_dbm=signal_dbm)


_fractions = st.floats(0.0, 1.0)
snapshots = st.builds(
    Snapshot,
    taken_s=st.just(0.0),
    battery_frac=st.none() | _fractions,
    on_mains=st.none() | st.booleans(),
    power_w=st.none() | st.floats(0.0, 20.0),
    cpu_load_frac=st.none() | _fractions,
    temperature_c=st.none() | st.floats(-40.0, 110.0),
    throttled=st.none() | st.booleans(),
    signal_dbm=st.none() | st.floats(-120.0, 0.0),
)


_extremes = st.sampled_from((0.0, 1e-9, 1.0, 1e6))


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """Any mix of one to four options, some of them barred, with much unknown."""
    names = draw(st.lists(st.sampled_from(("local", "edge", "cloud", "far")), min_size=1, max_size=4, unique=True))
    estimates = [
        estimate(
            name,
            mean_s := draw(st.floats(1e-4, 60.0) | _extremes),
            sd_s=mean_s * draw(st.floats(0.0, 3.0)),
            energy_j=draw(st.none() | st.floats(0.0, 50.0) | _extremes),
            cost_usd=draw(st.floats(0.0, 0.01) | _extremes),
            success=draw(_fractions),
        )
        for name in names
    ]
    barred = draw(st.lists(st.sampled_from(names), max_size=4, unique=True))
    return situation(
        *estimates,
        snapshot=draw(snapshots),
        deadline_s=draw(st.none() | st.sampled_from((1e-9, 1e9)) | st.floats(0.001, 30.0)),
        unavailable=dict.fromkeys(barred, "two failures in a row"),
    )


@st.composite
def outcomes(draw: st.DrawFn, options: tuple[str, ...]) -> tuple[Outcome, ...]:
    """What may come back for one image: any mix of answers, failures, cancelled attempts and shadow runs."""
    return tuple(
        outcome(
            draw(st.sampled_from(options)),
            draw(st.floats(0.0, 60.0) | _extremes),
            status=draw(st.sampled_from(("success", "ignored", "failed"))),
            role=draw(st.sampled_from(("answer", "fallback", "hedge", "shadow"))),
            started_s=draw(st.floats(0.0, 1e6)),
            censored=draw(st.booleans()),
            energy_j=draw(st.none() | st.floats(0.0, 50.0)),
            labels=draw(st.sampled_from(((), (Label(name="cat", probability=0.4, index=281),)))),
        )
        for _ in range(draw(st.integers(0, 3)))
    )


def open_estimates(case: Situation) -> list[Estimate]:
    """Those of the options that can be chosen; all, if none can."""
    return [e for e in case.estimates if e.option not in case.unavailable] or list(case.estimates)
