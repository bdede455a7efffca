"""The command line: its options and what they may be. Nothing is run or read here."""

from __future__ import annotations

import argparse
import math
import os
from pathlib import Path
from typing import get_args

from benchmarks.policies.links import default_folder
from benchmarks.policies.scene import Arrivals, World

__all__ = ["SEEDS", "SPLICED_SEEDS", "parser_of", "world_of"]

SEEDS, SPLICED_SEEDS = 2, 16
_MILD = World()


def parser_of() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.policies",
        description="The policies of the SDK beside published ones, over recorded links, in simulated time.",
    )
    _add_cases(parser.add_argument_group("what is compared"))
    _add_world(parser.add_argument_group("how hard the world is"))
    _add_output(parser.add_argument_group("what comes out"))
    return parser


def world_of(options: argparse.Namespace) -> World:
    return World(
        server_s=options.server_ms / 1e3,
        server_workers=options.server_workers,
        server_load_frac=options.server_load,
        contention=options.contention,
    )


def _add_cases(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--traces", type=Path, default=default_folder(), help="folder of t_s,uplink_mbps,rtt_ms,loss files")
    add("--boards", type=_positives, default=[119.0, 67.0], help="local times, ms (default 119,67)")
    add("--payloads", type=_counts, default=[15_000, 107_000], help="bytes of an image (default 15000,107000)")
    add("--arrivals", choices=get_args(Arrivals), default="closed", help="how images come (default closed)")
    add("--splice", type=_positive, metavar="SECONDS", help="splice random segments of all traces, so long each")
    add("--seed", type=int, default=1, help="the first seed (default 1)")
    add("--seeds", type=_count, help=f"how many (default {SEEDS}, spliced {SPLICED_SEEDS})")
    add("--images", type=_count, help="per run (default: 200 s of them, 600 s when spliced)")
    add("--duplicates", type=_share, default=0.1, help="share of images that both sides may work on (default 0.1)")
    add("--budgets", type=_shares, metavar="SHARES", help="run auto under these shares of duplicates as well")
    add("--deadline-boards", type=_positive, default=2.0, help="deadline in local times (default 2); only counted")


def _add_world(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    server_ms = 1e3 * _MILD.server_s
    add("--server-ms", type=_at_least_zero, default=server_ms, help=f"for an image (default {server_ms:g})")
    add("--server-workers", type=_count, help="images the server works on at a time (default: all that come)")
    add("--server-load", type=_share, default=0.0, help="share of the workers that others keep busy (default 0)")
    add("--contention", type=_at_least_one, default=1.0, help="factor on local times while an upload leaves")


def _add_output(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--json", action="store_true", help="print one JSON object instead of the tables")
    add("--pictures", type=Path, metavar="DIR", help="write the frontier of latency against duplicates there")
    add("--timeline", metavar="TRACE", help="write only how auto fared over this trace (or `spliced`) there")
    add("--workers", type=_count, default=os.cpu_count() or 1, help="processes (default: one a core)")


def _within(text: str, low: float, high: float, what: str) -> float:
    value = float(text)
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"{text} is not {what}")
    return value


def _positive(text: str) -> float:
    return _within(text, math.ulp(0.0), _MOST, "a positive number")


def _at_least_zero(text: str) -> float:
    return _within(text, 0.0, _MOST, "a number from 0 up")


def _at_least_one(text: str) -> float:
    return _within(text, 1.0, _MOST, "a number from 1 up")


def _share(text: str) -> float:
    return _within(text, 0.0, 1.0, "a share from 0 to 1")


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 1 up")
    return value


def _positives(text: str) -> list[float]:
    return [_positive(part) for part in text.split(",")]


def _counts(text: str) -> list[int]:
    return [_count(part) for part in text.split(",")]


def _shares(text: str) -> list[float]:
    return [_share(part) for part in text.split(",")]


_MOST = 1e12  # finite
