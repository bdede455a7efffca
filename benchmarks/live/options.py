"""The command line: its options and what they may be. Nothing is run or read here."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from benchmarks.policies.links import default_folder
from benchmarks.policies.scene import Arrivals
from offload_sdk._config import PolicyName

__all__ = ["parser_of"]


def parser_of() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.live",
        description="The SDK over real sockets and an emulated link, beside the simulation of the same scene.",
    )
    add = parser.add_argument
    add("--traces", type=Path, default=default_folder(), help="folder of t_s,uplink_mbps,rtt_ms,loss files")
    add("--trace", nargs="+", metavar="NAME", help="take the pieces from these (default: from all)")
    add("--policies", type=_policies, default=["auto", "local", "remote", "latency"], help="default %(default)s")
    add("--arrivals", choices=get_args(Arrivals), default="open", help="how images come (default open: 2/s)")
    add("--images", type=int, default=300, help="that count, per policy (default 300)")
    add("--payload", type=int, default=15_000, help="bytes of an image in the mean (default 15000)")
    add("--board-ms", type=float, default=119.0, help="local time (default 119)")
    add("--board", choices=("padded", "limited"), default="padded", help="how it is made slow (default padded)")
    add("--warm-s", type=float, default=20.0, help="images of so long only teach the SDK (default 20)")
    add("--piece-s", type=float, default=10.0, help="the link changes so often (default 10)")
    add("--seed", type=int, default=1, help="of pieces, images and the SDK (default 1)")
    add("--outage", action="store_true", help="instead, let the link die for half a minute and come back")
    add("--json", action="store_true", help="print one JSON object instead of the tables")
    return parser


def _policies(text: str) -> list[PolicyName]:
    names = text.split(",")
    known: tuple[PolicyName, ...] = get_args(PolicyName)
    if unknown := set(names).difference(known):
        raise argparse.ArgumentTypeError(f"there is no policy {', '.join(sorted(unknown))}; give some of {known}")
    return [name for name in known if name in names]
