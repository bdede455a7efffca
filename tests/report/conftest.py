"""Makers of runs and records with round numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from offload_sdk._types import Decision, Estimate, ImageInfo, Latency, Outcome, OutcomeRole, Record, Snapshot

Run = Callable[..., Outcome]
Image = Callable[..., Record]


def _run(option: str, latency_s: float, role: OutcomeRole = "answer", **changes: Any) -> Outcome:
    return replace(
        Outcome(
            option=option,
            path="local" if option == "local" else "remote",
            status="success",
            role=role,
            started_s=0.0,
            latency_s=latency_s,
        ),
        **changes,
    )


def _image(number: int, *runs: Outcome, chosen: str | None = None, **changes: Any) -> Record:
    options: Sequence[tuple[str, float, float]] = (("local", 0.1, 0.02), ("cloud", 0.05, 0.03))
    chosen = chosen or runs[0].option
    served = [run for run in runs if run.role != "shadow"]
    record = Record(
        request_id=f"id-{number}",
        wall_s=1000.0 + number,
        image=ImageInfo(format="JPEG", width=8, height=8),
        snapshot=Snapshot(taken_s=0.0),
        decision=Decision(
            chosen=chosen,
            path="local" if chosen == "local" else "remote",
            policy="auto",
            reason="",
            predicted={
                name: Estimate(
                    option=name,
                    path="local" if name == "local" else "remote",
                    latency=Latency(mean_s=mean_s, sd_s=sd_s),
                )
                for name, mean_s, sd_s in options
            },
        ),
        outcomes=runs,
        labels=(),
        path=served[-1].path if served and served[-1].status == "success" else None,
        endpoint=None,
        model="m",
        latency_s=sum(run.latency_s for run in served),
        timings={},
    )
    return replace(record, **changes)


@pytest.fixture(scope="session")
def run() -> Run:
    """`run(option, latency_s, role, **changes)`: one successful run."""
    return _run


@pytest.fixture(scope="session")
def image() -> Image:
    """`image(number, *runs, chosen=…, **changes)`; local is predicted to take 0.1 s, cloud 0.05 s."""
    return _image
