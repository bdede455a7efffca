"""`python -m benchmarks.experiment`: the prototype and the SDK on the same images over the same kind of link.

All clients take each image one right after the other, in an order drawn for each image; every client has a link of
its own, so that none waits for another's bytes. Flask and Keras need `.venv-keras`: make .venv-keras/.installed
"""

from __future__ import annotations

import argparse
import math
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.experiment.compare import compare
from benchmarks.experiment.figures import Side, best_remote_s, parts, sides
from benchmarks.experiment.links import Link
from benchmarks.experiment.rig import AUTO, PROTOTYPE, REMOTE
from benchmarks.experiment.table import parts_lines, sides_lines
from benchmarks.results import Row, publish
from benchmarks.server.stack import Unavailable
from benchmarks.technologies import LTE_RTT_MS, RATES_MBPS
from offload_sdk.baseline.images import ImageFile, find_images
from offload_sdk.model import PictureLimits
from offload_sdk.workload import WorkloadSpec, write_workload

__all__ = ["main"]

_WANTED = 10.0


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.experiment", description=__doc__)
    parser.add_argument("--images", type=int, default=600, help="how many of the workload (default 600)")
    parser.add_argument("--folder", type=Path, help="images of one's own instead")
    parser.add_argument("--rate-mbps", type=float, default=RATES_MBPS["4G"])
    parser.add_argument("--rtt-ms", type=float, default=LTE_RTT_MS)
    parser.add_argument("--trace", type=Path, help="a recorded link as CSV instead")
    parser.add_argument("--no-slow", action="store_true", help="without the SDK on a slow board")
    parser.add_argument("--seed", type=int, default=0, help="of the workload and of the order")
    options = parser.parse_args(arguments)
    link = Link(rate_mbps=options.rate_mbps, rtt_ms=options.rtt_ms, trace=options.trace)
    images = _images(options.folder, options.images, options.seed)
    total_bytes = sum(image.size_bytes for image in images)
    print(f"{len(images)} images, {total_bytes / len(images) / 1e3:.0f} kB on average; {link}")
    print(f"load of the machine at the start: {_load()}")
    try:
        found = compare(images, link, options.seed, slow=not options.no_slow, tell=_tell)
    except Unavailable as reason:
        raise SystemExit(f"the prototype's server cannot be had: {reason}; make .venv-keras/.installed") from None
    print(f"load of the machine at the end: {_load()}\n")
    if not found:
        raise SystemExit("nothing was measured")
    lines = sides(found, PROTOTYPE)
    print("\n".join(sides_lines(lines)), end="\n\n")
    if link.trace is None:
        theirs, own = (
            parts([m for m in found if m.target == name], link, connects=name == PROTOTYPE)
            for name in (PROTOTYPE, REMOTE)
        )
        print("\n".join(parts_lines(theirs, own)))
        least_s = best_remote_s(own)
        print(
            f"least time of an upload of as many bytes, round trip + bytes / rate: {1e3 * least_s:.1f} ms; with "
            f"it the ratio would be {lines[0].mean_s / least_s:.1f}\n"
        )
    publish("experiment", [row for side in lines for row in _rows(side)])


def _images(folder: Path | None, count: int, seed: int) -> tuple[ImageFile, ...]:
    if folder is None:
        folder = Path(tempfile.gettempdir()) / "offload-sdk-benchmarks" / f"workload-{count}-{seed}"
        write_workload(folder, WorkloadSpec(images=count, seed=seed))
    return find_images([folder], PictureLimits()).images


def _rows(side: Side) -> list[Row]:
    note = f"95 %: {side.low:.1f} to {side.high:.1f}"
    ratio = Row(
        name=f"{PROTOTYPE} over {side.name}",
        value=side.ratio,
        unit="×",
        bound=_WANTED if side.name == AUTO else None,
        at_least=True,
        note=note,
    )
    times = {"mean": side.mean_s, "p50": side.p50_s, "p95": side.p95_s}
    figures = [Row(name=f"{side.name}: {name}", value=1e3 * time_s, unit="ms") for name, time_s in times.items()]
    sent = Row(name=f"{side.name}: sent", value=side.sent_bytes / 1e3, unit="kB")
    return [*figures, sent] if side.name == PROTOTYPE else [*figures, sent, ratio]


def _load() -> str:
    one, five, _ = os.getloadavg() if hasattr(os, "getloadavg") else (math.nan,) * 3
    return f"{one:.1f} over a minute, {five:.1f} over five, on {os.cpu_count()} cores"


def _tell(step: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{step}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    # As Ctrl-C does: the servers would outlive this process for ever.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    main()
