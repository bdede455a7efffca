"""Which servers meet, and their turns in every round. Judges nothing and prints nothing."""

from __future__ import annotations

import contextlib
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.server import stacks
from benchmarks.server.client import ask
from benchmarks.server.cores import Cores
from benchmarks.server.stack import Running, Stack, Unavailable, running
from benchmarks.server.stacks.work import Work
from benchmarks.server.summary import Entrant
from benchmarks.server.turn import Bare, Plan, Turn, bare, take_turn

__all__ = ["Contest", "Outcome", "hold"]

_KERAS_FACTOR = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """What is compared: `model` on our server, LitServe and MLServer, then MobileNetV3-Large on ours and as Keras
    runs it. `alone` leaves all but the first out. Models are kept in `home`."""

    model: str
    home: Path
    payloads: tuple[bytes, ...]
    cores: Cores
    plan: Plan
    rounds: int
    seed: int
    alone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    entrants: tuple[Entrant, ...]
    missing: dict[str, str]


@dataclass(slots=True, kw_only=True)
class _Seat:
    """A server that takes turns; `work` is what it is measured against besides others."""

    server: Running
    agrees: bool | None
    work: list[Work] = field(default_factory=list)
    rival_of: _Seat | None = None
    bound: float | None = None
    turns: list[Turn] = field(default_factory=list)
    bare: list[Bare] = field(default_factory=list)


def hold(contest: Contest, progress: Callable[[str], None]) -> Outcome:
    """Start every server there is, let them take turns, and stop them."""
    with contextlib.ExitStack() as stack:
        loader = stack.enter_context(contest.cores.loader())
        stack.enter_context(contest.cores.bound(contest.cores.server))
        seats, missing = _seats(contest, stack, progress)
        rng = random.Random(contest.seed)
        for number in range(contest.rounds):
            # Forwards and backwards in turn, so that no server always follows the same one.
            for seat in seats if number % 2 == 0 else reversed(seats):
                progress(f"round {number + 1} of {contest.rounds}: {seat.server.stack.name}")
                if seat.work:
                    seat.bare.append(bare(seat.work, contest.payloads, contest.plan.phase_s))
                with seat.server.awake():
                    seat.turns.append(take_turn(seat.server, contest.plan, loader, rng))
        return Outcome(entrants=tuple(_entrants(seats)), missing=missing)


def _seats(
    contest: Contest, stack: contextlib.ExitStack, progress: Callable[[str], None]
) -> tuple[list[_Seat], dict[str, str]]:
    cores, home, payloads = contest.cores.count, contest.home, contest.payloads
    logs = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    seats: list[_Seat] = []
    missing: dict[str, str] = {}

    def seat(candidate: Stack, work: list[Work], expected: Sequence[int] | None, **extra: object) -> _Seat | None:
        progress(f"starting {candidate.name} with {candidate.model}")
        log = logs / f"{candidate.name}-{candidate.model}.log"
        try:
            server = stack.enter_context(running(candidate, log))
            agrees = None if expected is None else _answers(server) == list(expected)
        except Unavailable as error:
            missing[candidate.name] = str(error)
            return None
        server.sleep()
        found = _Seat(server=server, agrees=agrees, work=work, **extra)  # type: ignore[arg-type]
        seats.append(found)
        return found

    def our_seat(model: str) -> tuple[_Seat, Sequence[int]]:
        work = [Work(model, home / "models") for _ in range(cores)]
        expected = [work[0].predictions(payload)[0]["index"] for payload in payloads]
        found = seat(stacks.ours(model, home, payloads, cores), work, expected)
        if found is None:
            raise RuntimeError(f"our own server does not run: {missing}")
        return found, expected

    ours, expected = our_seat(contest.model)
    if contest.alone:
        return seats, missing
    for make in (stacks.litserve, stacks.mlserver):
        seat(make(contest.model, home, payloads, cores), [], expected, rival_of=ours, bound=1.0)
    try:
        keras_model, tflite_model = stacks.keras_models(home, payloads)
    except Unavailable as error:
        missing["Flask + Keras"] = str(error)
        return seats, missing
    ours, _ = our_seat(str(tflite_model))
    seat(stacks.flask_keras(keras_model, payloads), [], None, rival_of=ours, bound=_KERAS_FACTOR)
    return seats, missing


def _answers(server: Running) -> list[int]:
    """The best class of each picture."""
    found = []
    for request in server.stack.requests:
        status, body = ask(server.port, request)
        if status != 200:
            raise Unavailable(f"it answers {status} {body[:200]!r}")
        found.append(server.stack.top_index(body))
    return found


def _entrants(seats: Sequence[_Seat]) -> Iterator[Entrant]:
    made: dict[int, Entrant] = {}
    for seat in seats:
        rival = made[id(seat.rival_of)] if seat.rival_of else None
        made[id(seat)] = Entrant(
            name=seat.server.stack.name,
            model=seat.server.stack.model,
            versions=seat.server.stack.version(),
            turns=tuple(seat.turns),
            agrees=seat.agrees,
            bare=tuple(seat.bare),
            rival_of=rival,
            bound=seat.bound,
        )
        yield made[id(seat)]
