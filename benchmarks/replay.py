"""Does a replay foretell a live run? `python -m benchmarks.replay`, some ten minutes with the default settings.

Several devices classify a picture in turn, each over an emulated link of its own that plays the same recorded
trace: one under the policy of the log, with shadow runs, the others under the policies that its log is replayed
for. They run side by side because the speed of a shared machine changes from minute to minute. All is real
(server, sockets, log, prober, estimators) but the device's inference: it decodes the picture and waits until
`--local-ms` are over, through an executor of that kind. The replay sees the first device's log only.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from io import BytesIO
from pathlib import Path

from PIL import Image

from benchmarks.pictures import camera_frame
from benchmarks.results import Row, publish
from offload_sdk import OffloadConfig, Offloader
from offload_sdk._types import Label, Outcome, OutcomeRole, Record, Request, Snapshot
from offload_sdk.decide import policy_by_name
from offload_sdk.log import read_rows
from offload_sdk.replay import Costs, Replay, replay
from offload_sdk.testing import FaultyServer, LinkEmulator
from offload_sdk.typing import Picture

_TRACES = Path(__file__).resolve().parents[2] / "shared" / "data" / "traces"
_WARM_UP = 15  # images before the trace begins: the first ones open connections and teach the estimators
_SERVER_S = 0.012
_BOUND = 0.03
_LABELS = (Label(name="tabby", probability=0.9, index=281),)


class Board:
    """A probe of a device on mains power that nothing else is running on."""

    def read(self) -> Snapshot:
        return Snapshot(taken_s=time.monotonic(), on_mains=True, cpu_load_frac=0.0)


class SlowBoard:
    """An executor that answers after `local_s`, give or take 5 %, decoding included."""

    def __init__(self, local_s: float, seed: int) -> None:
        self._local_s = local_s
        self._rng = random.Random(seed)

    def run(self, picture: Picture, request: Request, role: OutcomeRole, budget_s: float | None) -> Outcome:
        started_s = time.monotonic()
        timings: dict[str, float] = {}
        picture.tensor(timings)
        computing_s = time.monotonic()
        time.sleep(max(started_s + self._local_s * self._rng.gauss(1.0, 0.05) - computing_s, 0.0))
        ended_s = time.monotonic()
        return Outcome(
            option="local",
            path="local",
            status="success",
            role=role,
            started_s=started_s,
            latency_s=ended_s - started_s,
            timings={**timings, "infer": ended_s - computing_s},
            labels=_LABELS,
            model="slow board",
        )

    def close(self) -> None:
        pass


class Device:
    """One `Offloader` behind a link of its own. A context manager."""

    def __init__(self, policy: str, shadow_rate: float, options: argparse.Namespace, folder: Path) -> None:
        self.policy = policy
        self._path = folder / f"{policy}.sqlite3"
        self._trace, self._picture = options.trace, options.picture
        self._open = ExitStack()
        server = self._open.enter_context(FaultyServer(_predict))
        self._link = self._open.enter_context(LinkEmulator(server.url, trace=options.trace))
        config = OffloadConfig(
            home=Path(tempfile.gettempdir()) / "offload-sdk-benchmarks",
            server_url=self._link.url,
            policy=policy,
            model="efficientnet_lite0",
            threads=1,
            seed=options.seed,
            payload={"quality": options.quality},
            log={"path": self._path, "shadow_rate": shadow_rate},
        )
        self._offloader = self._open.enter_context(Offloader(config, probe=Board()))
        parts = self._offloader._parts
        local = replace(parts.by_name["local"], executor=SlowBoard(options.local_ms / 1e3, options.seed))
        parts.by_name["local"] = local
        parts.sides = tuple(parts.by_name.values())
        self._since_s = 0.0

    def __enter__(self) -> Device:
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def begin(self) -> None:
        """Start the trace from its beginning; only what is classified from now on counts."""
        self._link.set_trace(self._trace)
        self._since_s = time.time()

    def classify(self) -> None:
        self._offloader.classify(self._picture)

    def rows(self) -> list[Record]:
        return list(read_rows(self._path, since_s=self._since_s))


def _predict(image: bytes) -> tuple[Label, ...]:
    time.sleep(_SERVER_S)
    return _LABELS


def run(devices: Sequence[Device], options: argparse.Namespace) -> None:
    """Let every device classify once per interval, each in its own slot of it."""
    for _ in range(_WARM_UP):
        for device in devices:
            device.classify()
        time.sleep(0.2)
    for device in devices:
        device.begin()
    begun_s = time.monotonic()

    def work(place: int) -> None:
        for number in range(int(options.seconds / options.interval)):
            due_s = begun_s + (number + place / len(devices)) * options.interval
            time.sleep(max(due_s - time.monotonic(), 0.0))
            devices[place].classify()

    with ThreadPoolExecutor(len(devices)) as pool:
        list(pool.map(work, range(len(devices))))
    time.sleep(1.0)  # for the last shadow


def replayed(rows: list[Record], policy: str) -> Replay:
    config = OffloadConfig(policy=policy)
    fresh = policy_by_name(policy, **config.auto.model_dump(), rng=random.Random(0))
    return replay(rows, fresh, name=policy, timeout_s=config.remote_timeout_s)


def compare(found: Replay, lived: Replay) -> list[Row]:
    """Print the live figures under the replayed ones; return the deviations."""
    name, method = found.target.policy, found.target.recommended
    told, came = found.target.costs, lived.own
    print(f"\n{name}: what was done shows {found.target.shown_frac:.0%} of {found.images:,} images, and")
    print(f"  {found.target.reason}")

    def line(title: str, costs: Costs) -> None:
        mean = costs.latency_mean_s
        print(
            f"  {title:<32} {1e3 * mean.value:7.2f} ms [{1e3 * mean.low:6.2f}, {1e3 * mean.high:6.2f}]"
            f"  p95 {1e3 * costs.latency_p95_s.value:6.1f} ms  remote {costs.options['remote'].value:6.1%}"
            f"  both {costs.duplicate_frac.value:5.1%}"
        )

    for tried, costs in found.target.estimates.items():
        line(f"replayed, {tried}{' *' if tried == method else ''}", costs)
    line("live", came)

    def off(figure: Callable[[Costs], float]) -> float:
        return abs(figure(told) / figure(came) - 1.0)

    return [
        Row(
            name=f"replayed / live − 1, mean time of `{name}`",
            value=100.0 * off(lambda costs: costs.latency_mean_s.value),
            unit="%",
            bound=100.0 * _BOUND,
            note=f"{1e3 * told.latency_mean_s.value:.2f} ({method}) / {1e3 * came.latency_mean_s.value:.2f} ms",
        ),
        Row(
            name=f"replayed / live − 1, 95th percentile of `{name}`",
            value=100.0 * off(lambda costs: costs.latency_p95_s.value),
            unit="%",
            note=f"{1e3 * told.latency_p95_s.value:.1f} / {1e3 * came.latency_p95_s.value:.1f} ms",
        ),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trace", type=Path, default=_TRACES / "lte_mmwave-driving-run1.csv")
    parser.add_argument("--logged", default="latency", help="the policy of the log (default latency)")
    parser.add_argument("--targets", default="remote,local,auto", help="the replayed ones")
    parser.add_argument("--shadow-rate", type=float, default=0.3)
    parser.add_argument("--seconds", type=float, default=580.0, help="over and over the trace (default 580)")
    parser.add_argument("--interval", type=float, default=0.5, help="between a device's images (default 0.5)")
    parser.add_argument("--local-ms", type=float, default=67.0, help="of one local image (default 67, a Pi 3B+)")
    parser.add_argument("--quality", type=int, default=60, help="of the uploaded JPEG (default 60)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    stream = BytesIO()
    Image.fromarray(camera_frame()).save(stream, "JPEG", quality=85)
    options.picture = stream.getvalue()
    targets = options.targets.split(",")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        logged = stack.enter_context(Device(options.logged, options.shadow_rate, options, folder))
        others = [stack.enter_context(Device(target, 0.0, options, folder / "live")) for target in targets]
        run([logged, *others], options)
        rows, lived = logged.rows(), {device.policy: device.rows() for device in others}
    judged: list[Row] = []
    for target, its_rows in lived.items():
        judged += compare(replayed(rows, target), replayed(its_rows, target))
    print()
    return 0 if publish("replay", judged) else 1


if __name__ == "__main__":
    raise SystemExit(main())
