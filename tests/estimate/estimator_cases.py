"""The estimators as cases of one battery: how to make one, and outcomes that teach it. No assertions here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from offload_sdk._types import Estimate, ImageInfo, Outcome, Profile, Snapshot
from offload_sdk.estimate import LocalEstimator, Prices, RemoteEstimator
from offload_sdk.estimate.pixels import PixelTime
from offload_sdk.typing import Estimator

IDLE = Snapshot(taken_s=0.0, cpu_load_frac=0.0, throttled=False)
PHOTO = ImageInfo(format="JPEG", width=1000, height=800, encoded_bytes=300_000)
FRAME = ImageInfo(format="RGB", width=640, height=480)
DRAWING = ImageInfo(format="PNG", width=1000, height=800, encoded_bytes=900_000)
SENT_BYTES = 15_500

PROFILE = Profile(
    board="test",
    model=None,
    threads=2,
    infer_s=0.05,
    infer_sd_s=0.01,
    preprocess_s=0.002,
    decode_s_per_pixel={"JPEG": 1e-8, "PNG": 3e-8, "": 5e-8},
    cpu_active_w=3.0,
    radio_tx_w=1.2,
    radio_wait_w=0.4,
    radio_wake_j=0.02,
)


def decode_times() -> PixelTime:
    return PixelTime(PROFILE.decode_s_per_pixel, base_s=5e-4)


def local() -> LocalEstimator:
    return LocalEstimator(PROFILE, decode_times(), cores=4)


def remote(**options: object) -> RemoteEstimator:
    return RemoteEstimator("edge", PROFILE, decode_times(), prices=Prices(), **options)  # type: ignore[arg-type]


def local_outcome(total_s: float, at_s: float, image: ImageInfo = PHOTO) -> Outcome:
    """A run of the local path that took `total_s`, a tenth of it decoding."""
    return Outcome(
        option="local",
        path="local",
        status="success",
        role="answer",
        started_s=at_s - total_s,
        latency_s=total_s,
        timings={"decode": 0.1 * total_s, "preprocess": 0.05 * total_s, "infer": 0.85 * total_s},
    )


def remote_outcome(total_s: float, at_s: float, image: ImageInfo = PHOTO) -> Outcome:
    """An answer on the warm connection that took `total_s`, a fifth of it the server's."""
    return Outcome(
        option="edge",
        path="remote",
        status="success",
        role="answer",
        started_s=at_s - total_s,
        latency_s=total_s,
        timings={
            "decode": 0.05 * total_s,
            "encode": 0.05 * total_s,
            "server": 0.2 * total_s,
            "network": 0.7 * total_s,
        },
        sent_bytes=SENT_BYTES,
        received_bytes=600,
    )


@dataclass(frozen=True)
class Case:
    make: Callable[[], Estimator]
    outcome: Callable[[float, float], Outcome]
    path: str


CASES = {"local": Case(local, local_outcome, "local"), "remote": Case(remote, remote_outcome, "remote")}


def ask(estimator: Estimator, now_s: float, image: ImageInfo = PHOTO, snapshot: Snapshot = IDLE) -> Estimate:
    return estimator.estimate(image, snapshot, now_s)


def teach(
    case: Case, estimator: Estimator, total_s: float, *, start_s: float, count: int, step_s: float = 0.5
) -> float:
    """Let `count` images take `total_s` each; return the time after the last."""
    now_s = start_s
    for _ in range(count):
        now_s += step_s
        estimator.update(case.outcome(total_s, now_s), PHOTO, IDLE)
    return now_s


def given_up(outcome: Outcome, waited_s: float) -> Outcome:
    """The same attempt, given up after `waited_s`."""
    return replace(
        outcome,
        status="failed",
        censored=True,
        latency_s=waited_s,
        timings={"network": waited_s},
        received_bytes=0,
        error_kind="timeout",
        error=f"no answer within {waited_s * 1e3:.0f} ms",
    )
