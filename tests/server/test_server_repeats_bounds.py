"""The memory of answers by itself: never past its bounds, never an answer of another key or of long ago."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload_sdk.testing import FakeClock
from server_stub.intake import Intake
from server_stub.job import Job
from server_stub.repeats import Repeats
from server_stub.scheduling import Waiting

MOST, BYTES, KEEP_S = 3, 100, 10.0
Step = tuple[str, int, int, float]
"""What is done, the key, the bytes, and the seconds since the one before."""

_step = st.tuples(st.sampled_from(["keep", "ask"]), st.integers(0, 5), st.integers(0, 120), st.floats(0.0, 6.0))


def repeats(clock: FakeClock, withdrawn: list[Job[Any]]) -> Repeats[int]:
    return Repeats(
        keep_s=KEEP_S, max_answers=MOST, max_bytes=BYTES, clock=clock, withdraw=lambda job: withdrawn.append(job)
    )


@given(st.lists(_step, max_size=60))
def test_whatever_happens_the_bounds_hold_and_answers_are_their_own(steps: list[Step]) -> None:
    clock = FakeClock()
    memory = repeats(clock, [])
    given: dict[int, tuple[int, float]] = {}  # by key: the last answer that was given, and when
    for number, (step, key, size_bytes, passed_s) in enumerate(steps):
        clock.advance(passed_s)
        known = memory.answer(key)
        if known is not None:
            answer, at_s = given[key]
            assert known == answer
            assert clock() < at_s + KEEP_S
        elif step == "keep":
            memory.keep(key, number, size_bytes)
            given[key] = number, clock()
            assert memory.answer(key) == (number if size_bytes <= BYTES else None)
        assert len(memory) <= MOST
        assert 0 <= memory.held_bytes <= BYTES
    clock.advance(KEEP_S)
    assert memory.answer(0) is None
    assert (len(memory), memory.held_bytes) == (0, 0)


def test_the_oldest_goes_first() -> None:
    memory = repeats(FakeClock(), [])
    for key in range(MOST + 1):
        memory.keep(key, key, 1)
    assert [memory.answer(key) for key in range(MOST + 1)] == [None, 1, 2, 3]
    memory.keep("large", 9, BYTES)
    assert (memory.answer(3), memory.answer("large")) == (None, 9)


def job(loop: asyncio.AbstractEventLoop) -> Job[int]:
    place = Intake(max_bodies=1, max_bytes=1).enter()
    assert place is not None
    entry = Waiting(key=0, arrived_s=0.0, image_bytes=1, service_s=0.01)
    return Job(entry=entry, task=lambda engine: 1, place=place, done=loop.create_future())


@given(st.permutations(range(4)), st.booleans())
def test_a_job_is_withdrawn_once_and_by_the_last_who_waits(order: list[int], named: bool) -> None:
    async def act() -> None:
        withdrawn: list[Job[Any]] = []
        memory = repeats(FakeClock(), withdrawn)
        shared = job(asyncio.get_running_loop())
        key = "key" if named else None
        waits = [memory.waiting(key, shared) for _ in order]
        for each in waits:
            each.__enter__()
        assert memory.job(key) is (shared if named else None)
        for left, number in enumerate(order, start=1):
            waits[number].__exit__(None, None, None)
            assert withdrawn == ([shared] if left == len(order) else [])
        assert memory.job(key) is None

    asyncio.run(act())


@pytest.mark.parametrize("end", ["answered", "failed", "cancelled"])
def test_only_a_job_that_has_not_failed_is_joined(end: str) -> None:
    async def act() -> None:
        memory = repeats(FakeClock(), [])
        first, second = (job(asyncio.get_running_loop()) for _ in range(2))
        with memory.waiting("key", first):
            if end == "answered":
                first.done.set_result(1)
            elif end == "failed":
                first.fail(RuntimeError())
            else:
                first.done.cancel()
            assert memory.job("key") is (first if end == "answered" else None)
            with memory.waiting("key", second):
                pass
        assert memory.job("key") is None

    asyncio.run(act())
