"""A maker of records with as few or as many particulars as a test needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from offload_sdk._types import Decision, Estimate, ImageInfo, Label, Latency, Outcome, Record, Snapshot

MakeRecord = Callable[..., Record]


def _record(number: int = 0, **changes: Any) -> Record:
    labels = (
        Label(name="tabby", probability=0.75, index=281),
        Label(name="lynx", probability=0.125, index=287),
    )
    local = Estimate(
        option="local",
        path="local",
        latency=Latency(mean_s=0.1, sd_s=0.02),
        energy_j=0.12,
        energy_source="modelled",
        parts_s={"decode": 0.04, "infer": 0.06},
    )
    remote = Estimate(
        option="cloud",
        path="remote",
        latency=Latency(mean_s=0.05, sd_s=0.03),
        cost_usd=1e-6,
        success_probability=0.98,
        payload_bytes=15000,
    )
    outcome = Outcome(
        option="cloud",
        path="remote",
        status="success",
        role="answer",
        started_s=12.5,
        latency_s=0.055,
        timings={"network": 0.04, "server": 0.01},
        cold=True,
        sent_bytes=15000,
        received_bytes=400,
        cost_usd=1e-6,
        labels=labels,
        model="m",
    )
    record = Record(
        request_id=f"id-{number}",
        wall_s=4_000_000_000.0 + number,  # so late that no limit of age ever deletes it
        image=ImageInfo(format="JPEG", width=640, height=480, encoded_bytes=90_000),
        snapshot=Snapshot(taken_s=12.0, battery_frac=0.5, on_mains=False, throttled=False, signal_dbm=-60.0),
        decision=Decision(
            chosen="cloud",
            path="remote",
            policy="auto",
            reason="cloud: 50 ms against 100 ms",
            predicted={"local": local, "cloud": remote},
            propensity=0.9,
            shadow=("local",),
        ),
        outcomes=(outcome,),
        labels=labels,
        path="remote",
        endpoint="cloud",
        model="m",
        latency_s=0.056,
        timings={"open": 0.001, "decide": 0.00001},
        deadline_s=0.5,
        source="photos/cat.jpg",
    )
    return replace(record, **changes)


@pytest.fixture(scope="session")
def make_record() -> MakeRecord:
    """`make_record(number, **changes)`: request id `id-<number>`, one second apart."""
    return _record
