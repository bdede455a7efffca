"""Does a replay foretell a live run? `python -m benchmarks.replay`, some twenty minutes with the default settings.

The SDK classifies a picture at fixed times over an emulated link that plays a recorded trace, under one policy
with shadow runs; its log is replayed for other policies; then each of those runs live over the same trace. All is
real (server, sockets, log, prober, estimators) but the board's slowness: local inference is run and then waited
for until it has taken `--local-ms`, through an executor of that kind. Nothing is drawn from the replayed policies'
own runs until the comparison.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable
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
from offload_sdk.typing import Executor, Picture

_TRACES = Path(__file__).resolve().parents[2] / "shared" / "data" / "traces"
_WARM_UP = 12  # images before the trace begins: the first ones open connections and teach the estimators
_SERVER_S = 0.012
_BOUND = 0.03
_LABELS = (Label(name="tabby", probability=0.9, index=281),)


class Board:
    """A probe of a device on mains power that nothing else is running on."""

    def read(self) -> Snapshot:
        return Snapshot(taken_s=time.monotonic(), on_mains=True, cpu_load_frac=0.0)


class SlowBoard:
    """Runs the model, and answers when a board would have: after `local_s`, give or take 5 %."""

    def __init__(self, executor: Executor, local_s: float, seed: int) -> None:
        self._executor = executor
        self._local_s = local_s
        self._rng = random.Random(seed)

    def run(self, picture: Picture, request: Request, role: OutcomeRole, budget_s: float | None) -> Outcome:
        outcome = self._executor.run(picture, request, role, budget_s)
        more_s = self._local_s * self._rng.gauss(1.0, 0.05) - outcome.latency_s
        if more_s <= 0.0:
            return outcome
        time.sleep(more_s)
        infer_s = outcome.timings.get("infer", 0.0) + more_s
        return replace(
            outcome, latency_s=outcome.latency_s + more_s, timings={**outcome.timings, "infer": infer_s}
        )

    def close(self) -> None:
        self._executor.close()


def slow_down(offloader: Offloader, local_s: float, seed: int) -> None:
    """Put a slow board in the place of this machine."""
    parts = offloader._parts
    side = parts.by_name["local"]
    parts.by_name["local"] = replace(side, executor=SlowBoard(side.executor, local_s, seed))
    parts.sides = tuple(parts.by_name.values())


def live(policy: str, shadow_rate: float, options: argparse.Namespace, home: Path) -> list[Record]:
    """Classify over the whole trace under this policy; return the log's rows."""
    path = home / f"{policy}.sqlite3"

    def predict(image: bytes) -> tuple[Label, ...]:
        time.sleep(_SERVER_S)
        return _LABELS

    with FaultyServer(predict) as server, LinkEmulator(server.url, trace=options.trace) as link:
        config = OffloadConfig(
            home=Path(tempfile.gettempdir()) / "offload-sdk-benchmarks",
            server_url=link.url,
            policy=policy,
            model="efficientnet_lite0",
            threads=1,
            seed=options.seed,
            payload={"quality": 90},
            log={"path": path, "shadow_rate": shadow_rate},
        )
        with Offloader(config, probe=Board()) as offloader:
            slow_down(offloader, options.local_ms / 1e3, options.seed)
            for _ in range(_WARM_UP):
                offloader.classify(options.picture)
                time.sleep(0.1)
            time.sleep(0.5)
            link.set_trace(options.trace)
            begun_s, began_wall_s = time.monotonic(), time.time()
            for number in range(int(options.seconds / options.interval)):
                time.sleep(max(begun_s + number * options.interval - time.monotonic(), 0.0))
                offloader.classify(options.picture)
                if sys.stderr.isatty():
                    print(f"\r{policy}: {number + 1}", end="", file=sys.stderr)
            time.sleep(1.0)  # for the last shadow
    print(f"\r{policy} live: {number + 1} images, {shadow_rate:.0%} shadowed", flush=True)
    return list(read_rows(path, since_s=began_wall_s))


def replayed(rows: list[Record], policy: str) -> Replay:
    config = OffloadConfig(policy=policy)
    fresh = policy_by_name(policy, **config.auto.model_dump(), rng=random.Random(0))
    return replay(rows, fresh, name=policy, timeout_s=config.remote_timeout_s)


def compare(found: Replay, lived: Replay) -> list[Row]:
    """Print the live figures under the replayed ones; return the deviations."""
    name, method = found.target.policy, found.target.recommended
    told, came = found.target.costs, lived.own
    print(f"\n{name}: what was done shows {found.target.shown_frac:.0%}; {found.target.reason}")

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
    parser.add_argument("--seconds", type=float, default=290.0, help="of the trace (default 290)")
    parser.add_argument("--interval", type=float, default=0.25, help="between two images (default 0.25)")
    parser.add_argument("--local-ms", type=float, default=55.0, help="of one local inference (default 55)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    stream = BytesIO()
    Image.fromarray(camera_frame()).save(stream, "JPEG", quality=85)
    options.picture = stream.getvalue()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        rows = live(options.logged, options.shadow_rate, options, home)
        judged: list[Row] = []
        for target in options.targets.split(","):
            lived = live(target, 0.0, options, home / "live") if target != options.logged else rows
            judged += compare(replayed(rows, target), replayed(lived, target))
    print()
    return 0 if publish("replay", judged) else 1


if __name__ == "__main__":
    raise SystemExit(main())
