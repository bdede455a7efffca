"""`python -m benchmarks.network_effect --out DIR`: local against cloud over many links, in one chart.

Whole files over 2G are one image of mean size: a transfer's time grows in proportion to its bytes, so it takes
what the images take on average.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.network_effect.break_even import BOARDS, break_even_rtt_s
from benchmarks.network_effect.cells import TECHNOLOGY_CELLS, Cell, Findings, all_cells
from benchmarks.network_effect.run import MODEL, find_effect
from offload_sdk.baseline.images import ImageFile, find_images
from offload_sdk.model import PictureLimits
from offload_sdk.workload import WorkloadSpec, write_workload

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None, cells: Sequence[Cell] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.network_effect", description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=Path("benchmarks/results"), help="folder for chart and figures"
    )
    parser.add_argument("--images", type=int, default=16, help="of the workload, one of each size class")
    parser.add_argument("--folder", type=Path, help="images of one's own instead")
    parser.add_argument("--seed", type=int, default=0, help="of the workload and of the order")
    options = parser.parse_args(arguments)
    home = Path(tempfile.gettempdir()) / "offload-sdk-benchmarks"
    home.mkdir(exist_ok=True)
    images = _images(options.folder, home, options.images, options.seed)
    before = os.getloadavg()[0]
    found = find_effect(all_cells() if cells is None else cells, images, home, options.seed, _tell)
    print(
        f"{found.images} images, {found.image_bytes / 1e3:.0f} kB on average; on this machine {_ms(found.local_s)}"
    )
    print(f"load of the machine over a minute: {before:.1f} before, {os.getloadavg()[0]:.1f} after\n")
    print("\n".join(_measured(found)), end="\n\n")
    limits = {board: _break_even(board, found) for board in BOARDS}
    print("\n".join(_modelled(limits, [point.cell.name for point in found.of(TECHNOLOGY_CELLS)])), end="\n\n")
    options.out.mkdir(parents=True, exist_ok=True)
    document = {**asdict(found), "break_even_rtt_s": limits, "technologies": [c.name for c in TECHNOLOGY_CELLS]}
    figures = options.out / "network-effect.json"
    figures.write_text(json.dumps(document, indent=2, default=str) + "\n", encoding="utf-8")
    from benchmarks.network_effect.picture import draw

    print("written:", *draw(found, limits, options.out), figures)


def _images(folder: Path | None, home: Path, count: int, seed: int) -> tuple[ImageFile, ...]:
    """All images of a folder, or of the workload as many as wanted, from the middle of equal classes by size."""
    if folder is not None:
        return find_images([folder], PictureLimits()).images
    whole = home / f"workload-600-{seed}"
    write_workload(whole, WorkloadSpec(seed=seed))
    ordered = sorted(find_images([whole], PictureLimits()).images, key=lambda image: image.size_bytes)
    return tuple(ordered[int((number + 0.5) / count * len(ordered))] for number in range(count))


def _break_even(board: str, found: Findings) -> list[float]:
    server_s = min(point.server_s for point in found.points)
    return [
        break_even_rtt_s(board, MODEL, point.cell.link.transfer_s(point.sdk_bytes), server_s)
        for point in found.of(TECHNOLOGY_CELLS)
    ]


def _measured(found: Findings) -> list[str]:
    lines = [
        f"{'link':<10}{'rate Mbit/s':>12}{'RTT ms':>8}{'SDK ms':>10}{'kB sent':>9}{'original ms':>13}{'images':>8}"
    ]
    for point in found.points:
        link = point.cell.link
        lines.append(
            f"{point.cell.name:<10}{link.rate_mbps:>12g}{link.rtt_ms:>8g}{1e3 * point.sdk_s:>10.1f}"
            f"{point.sdk_bytes / 1e3:>9.1f}{1e3 * point.original_s:>13.1f}{point.original_images:>8}"
        )
    return lines


def _modelled(limits: dict[str, list[float]], technologies: Sequence[str]) -> list[str]:
    """The round trips up to which the cloud is faster, by board and technology."""
    head = "RTT up to which the cloud is faster, ms (modelled)"
    lines = [f"{head:<52}" + "".join(f"{name:>8}" for name in technologies)]
    for board, values_s in limits.items():
        cells = (f"{1e3 * value_s:8.0f}" if value_s > 0.0 else f"{'never':>8}" for value_s in values_s)
        lines.append(f"{board:<52}" + "".join(cells))
    return lines


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.1f} ms"


def _tell(step: str, frac: float) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{frac:4.0%} {step}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    # As Ctrl-C does: the server would outlive this process for ever.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    main()
