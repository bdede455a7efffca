"""The servers' turns: first all their paces, then the same load for each. Judges nothing and prints nothing."""

from __future__ import annotations

import contextlib
import random
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.overload.bout import Bout, Pace, face, pace, warm
from benchmarks.overload.crowd import crowd, probes
from benchmarks.server import stacks
from benchmarks.server.cores import Cores
from benchmarks.server.stack import Running, running

__all__ = ["Round", "Trial", "hold"]

_URGENT_SERVICES = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What is tried: servers of `model` that differ in their scheduler, for `load_s` a round under `load` times
    what they sustain, and are watched for `after_s` more. Each of the parts that find out what they sustain takes
    `pace_s`. Models are kept in `home`."""

    model: str
    home: Path
    payloads: tuple[bytes, ...]
    cores: Cores
    schedulers: tuple[str, ...]
    load: float
    load_s: float
    after_s: float
    pace_s: float
    rounds: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What was offered, and by scheduler what each server was able to and what became of the load."""

    offered_per_s: float
    paces: Mapping[str, Pace]
    bouts: Mapping[str, Bout]


def hold(trial: Trial, progress: Callable[[str], None]) -> Iterator[Round]:
    """Start a server for each scheduler, let them take turns, and stop them. Raises: Unavailable."""
    with contextlib.ExitStack() as stack:
        loader = stack.enter_context(trial.cores.loader())
        servers = _servers(trial, stack)
        rng = random.Random(trial.seed)
        for number in range(trial.rounds):
            # Forwards and backwards in turn, so that no scheduler always follows the same one.
            turns = list(servers.items())[:: 1 if number % 2 == 0 else -1]
            paces, bouts = dict[str, Pace](), dict[str, Bout]()
            for scheduler, server in turns:
                progress(f"round {number + 1} of {trial.rounds}: {scheduler} by itself")
                with server.awake():
                    warm(server, trial.cores.count, trial.pace_s, loader)
                    paces[scheduler] = pace(server, trial.cores.count, trial.pace_s, loader)
            usual = _usual(paces)
            pictures = len(trial.payloads)
            callers = crowd(
                per_s=trial.load * usual.per_s,
                load_s=trial.load_s,
                urgent_s=_URGENT_SERVICES * usual.p50_s,
                pictures=pictures,
                rng=rng,
            )
            after = probes(
                per_s=usual.per_s / 3, begin_s=trial.load_s, duration_s=trial.after_s, pictures=pictures
            )
            for scheduler, server in turns:
                progress(f"round {number + 1} of {trial.rounds}: {scheduler} under load")
                with server.awake():
                    # While it slept, what it knows of its service times has become old.
                    warm(server, trial.cores.count, trial.pace_s, loader)
                    bouts[scheduler] = face(server, callers, after, trial.payloads, usual.normal_s, loader)
            yield Round(offered_per_s=len(callers) / trial.load_s, paces=paces, bouts=bouts)


def _servers(trial: Trial, stack: contextlib.ExitStack) -> dict[str, Running]:
    logs = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    servers = {}
    for scheduler in trial.schedulers:
        options = ("--scheduler", scheduler)
        ours = stacks.ours(trial.model, trial.home, trial.payloads, trial.cores.count, *options)
        with trial.cores.bound(trial.cores.server):
            starting = running(replace(ours, name=scheduler), logs / f"{scheduler}.log")
            servers[scheduler] = stack.enter_context(starting)
        servers[scheduler].sleep()
    return servers


def _usual(paces: Mapping[str, Pace]) -> Pace:
    """The pace by which a round's load is made, for all servers the same."""
    return Pace(
        per_s=statistics.median(each.per_s for each in paces.values()),
        p50_s=statistics.median(each.p50_s for each in paces.values()),
        p95_s=statistics.median(each.p95_s for each in paces.values()),
    )
