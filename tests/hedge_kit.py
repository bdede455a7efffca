"""Offloaders that hedge every image, and executors that are slow or held. Makes objects; asserts little."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from offload_kit import PATIENCE_S, make, rows, until

from offload_sdk import Offloader
from offload_sdk._types import Decision, Outcome, OutcomeRole, Record, Request, Situation
from offload_sdk.typing import Executor, Picture

E = TypeVar("E", bound=Executor)
NEVER_S = 60.0
UNPROBED = {"enabled": False}
TOLERANT = {"failures": 1000, "cooldown_s": 0.05, "max_cooldown_s": 0.2}


class Hedge:
    """The same hedge for every image: `first` at once, `second` after so many seconds."""

    def __init__(self, first: str, second: str, after_s: float, shadow: tuple[str, ...] = ()) -> None:
        self.first, self.second, self.after_s, self.shadow = first, second, after_s, shadow

    def decide(self, situation: Situation) -> Decision:
        return Decision(
            chosen=self.first,
            path="local" if self.first == "local" else "remote",
            policy="hedge",
            reason=f"always, after {self.after_s} s",
            predicted={estimate.option: estimate for estimate in situation.estimates},
            shadow=self.shadow,
            second=self.second,
            second_after_s=self.after_s,
        )


class Held:
    """An executor whose runs begin and then wait until they are let go."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self.begun = 0
        self.gate = threading.Event()

    def run(self, picture: Picture, request: Request, role: OutcomeRole, budget_s: float | None) -> Outcome:
        self.begun += 1
        picture.tensor({})
        assert self.gate.wait(PATIENCE_S)
        return self._executor.run(picture, request, role, budget_s)

    def close(self) -> None:
        self.gate.set()
        self._executor.close()


class Slow:
    """An executor on a device that takes this much longer."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self.delay_s = 0.15

    def run(self, picture: Picture, request: Request, role: OutcomeRole, budget_s: float | None) -> Outcome:
        time.sleep(self.delay_s)
        outcome = self._executor.run(picture, request, role, budget_s)
        timings = {**outcome.timings, "infer": outcome.timings["infer"] + self.delay_s}
        return replace(outcome, latency_s=outcome.latency_s + self.delay_s, timings=timings)

    def close(self) -> None:
        self._executor.close()


def put(offloader: Offloader, kind: type[E]) -> E:
    """Put another executor before that of the local path."""
    parts = offloader._parts
    put = kind(parts.by_name["local"].executor)
    parts.by_name["local"] = replace(parts.by_name["local"], executor=put)
    parts.sides = tuple(parts.by_name.values())
    return put


def hedging(
    home: Path, *urls: str, first: str = "edge", second: str = "local", after_s: float, **values: Any
) -> Offloader:
    shadow = values.pop("shadow", ())
    values = {"probe": UNPROBED, "circuit": TOLERANT, **values}
    return make(home, *urls, parts={"policy": Hedge(first, second, after_s, shadow)}, **values)


def own_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("offload-")}


def complete(offloader: Offloader, count: int = 2) -> Record:
    """Return the only row, once so many outcomes are in it."""
    until(lambda: len(rows(offloader)[-1].outcomes) >= count, f"{count} outcomes were logged")
    (row,) = rows(offloader)
    assert len(row.outcomes) == count
    return row


def nothing_queued(offloader: Offloader) -> bool:
    parts = offloader._parts
    return all(parts.backlog.wait_s(name, parts.clock()) == 0.0 for name in parts.by_name)
