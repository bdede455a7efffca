"""The pool by itself: what a scheduler sees and says is done, whatever the scheduler."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from server_stub.engine import BatchEngine, Classify, Inference, Task
from server_stub.job import Job
from server_stub.pool import Pool
from server_stub.problems import RequestError
from server_stub.scheduling import Action, Edf, Fcfs, Preempt, QueueState, Scheduler, Shed, Start, Wake

NO_CLASSES = Inference(labels=(), decode_s=0.0, infer_s=0.0)


@dataclass
class Held:
    """An engine whose every picture waits for `gate`; it notes what it got together."""

    name: str = "held"
    signature: Any = None
    room: int = 1
    gate: threading.Event = field(default_factory=threading.Event)
    batches: list[list[bytes]] = field(default_factory=list)

    def engine(self) -> Held:
        return self

    def infer(self, image: bytes, top_k: int) -> Inference:
        return self.run([Classify(image=image, top_k=top_k)])[0]

    def score(self, image: Any) -> Any:
        raise NotImplementedError

    def run(self, tasks: Sequence[Task[Any]]) -> list[Inference]:
        self.batches.append([task.image for task in tasks if isinstance(task, Classify)])
        assert self.gate.wait(20)
        return [NO_CLASSES] * len(tasks)


@dataclass
class Scripted:
    """A scheduler that keeps what it saw and answers as told."""

    answer: Callable[[QueueState], Sequence[Action]]
    states: list[QueueState] = field(default_factory=list)

    def step(self, state: QueueState) -> Sequence[Action]:
        self.states.append(state)
        return self.answer(state)


@contextlib.asynccontextmanager
async def pool_of(engine: Held, scheduler: Scheduler, **settings: Any) -> AsyncIterator[Pool]:
    ready = asyncio.Event()
    chosen = {"workers": 1, "queue_bound": 8, "max_inflight_bytes": 10**6, **settings}
    pool = Pool(lambda: engine, scheduler=scheduler, on_state=lambda state: ready.set(), **chosen)
    pool.start()
    await asyncio.wait_for(ready.wait(), 20)
    try:
        yield pool
    finally:
        engine.gate.set()
        await pool.close()


def submit(pool: Pool, image: bytes = b"picture", **context: float) -> Job[Inference]:
    place = pool.admit(context.get("due_s"), len(image))
    return pool.submit(Classify(image=image, top_k=1), place=place, size_bytes=len(image), **context)


async def status_of(job: Job[Inference]) -> int:
    try:
        await asyncio.wait_for(job.done, 20)
    except RequestError as error:
        return error.status
    return 200


def run(coroutine: Any) -> None:
    asyncio.run(asyncio.wait_for(coroutine, 30))


def test_shed_is_503_with_retry_after_and_leaves_the_place():
    async def main() -> None:
        def youngest_but_one(state: QueueState) -> list[Action]:
            return [Shed(key=state.waiting[0].key)] if len(state.waiting) == 2 else []

        async with pool_of(Held(), Scripted(youngest_but_one)) as pool:
            shed, kept = submit(pool), submit(pool)
            with pytest.raises(RequestError) as refusal:
                await shed.done
            assert refusal.value.status == 503
            assert int(refusal.value.headers["Retry-After"]) >= 1
            assert not kept.done.done()
            assert pool.intake.bodies == 1

    run(main())


def test_the_bound_holds_for_a_scheduler_that_does_not_shed():
    async def main() -> None:
        async with pool_of(Held(), Scripted(lambda state: []), queue_bound=3, workers=2) as pool:
            jobs = [submit(pool) for _ in range(5)]
            assert [job.done.done() for job in jobs] == [False, False, False, True, True]
            assert [await status_of(job) for job in jobs[3:]] == [503, 503]

    run(main())


def test_a_wake_is_a_step_at_that_time_though_nothing_happens():
    async def main() -> None:
        def when_woken(state: QueueState) -> list[Action]:
            first = scheduler.states[0].now_s
            if state.now_s < first + 0.05:
                return [Wake(at_s=first + 0.05), Wake(at_s=first + 99.0)]
            return [Start(key=one.key, worker=0) for one in state.waiting]

        scheduler = Scripted(when_woken)
        engine = Held()
        engine.gate.set()
        async with pool_of(engine, scheduler) as pool:
            assert await status_of(submit(pool)) == 200
            assert len(scheduler.states) == 2

    run(main())


def test_a_worker_is_given_up_though_its_time_ends_between_two_looks_at_the_clock():
    now_s, passes_s = 0.0, 0.0

    def clock() -> float:
        nonlocal now_s
        now_s += passes_s
        return now_s

    async def main() -> None:
        nonlocal now_s, passes_s
        engine = Held()
        async with pool_of(engine, Fcfs(), infer_timeout_s=0.05, clock=clock) as pool:
            job = submit(pool)
            while not engine.batches:
                await asyncio.sleep(0.001)
            now_s, passes_s = 0.05 - 2e-6, 1e-6  # the timer of the loop is a little early
            with pytest.raises(RuntimeError, match="was replaced"):
                await asyncio.wait_for(job.done, 5)

    run(main())


def test_nobody_complains_of_a_refusal_that_nobody_waits_for():
    async def main() -> None:
        complaints: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, complaint: complaints.append(complaint))
        async with pool_of(Held(), Scripted(lambda state: [])) as pool:
            submit(pool)
        gc.collect()
        assert complaints == []

    run(main())


def test_a_wake_in_the_past_is_no_endless_loop():
    async def main() -> None:
        scheduler = Scripted(lambda state: [Wake(at_s=state.now_s - 1.0), Wake(at_s=state.now_s)])
        async with pool_of(Held(), scheduler) as pool:
            submit(pool, due_s=pool._clock() + 0.01)
            await asyncio.sleep(0.05)
            assert len(scheduler.states) == 2  # its arrival and its deadline

    run(main())


def test_preempt_is_passed_over():
    async def main() -> None:
        def stop_all(state: QueueState) -> list[Action]:
            assert all(worker.running is None for worker in state.workers)
            return [*Fcfs().step(state), Preempt(worker=0)]

        engine = Held()
        async with pool_of(engine, Scripted(stop_all)) as pool:
            jobs = [submit(pool), submit(pool)]
            engine.gate.set()
            assert [await status_of(job) for job in jobs] == [200, 200]

    run(main())


def test_a_scheduler_sees_workers_and_what_has_ended():
    async def main() -> None:
        scheduler = Scripted(Fcfs().step)
        engine = Held()
        async with pool_of(engine, scheduler) as pool:
            first = submit(pool, battery_frac=0.1, signal_dbm=-70.0)
            submit(pool)
            idle, busy = scheduler.states[:2]
            assert (idle.waiting[0].battery_frac, idle.waiting[0].signal_dbm) == (0.1, -70.0)
            assert ([one.room for one in idle.workers], [one.room for one in busy.workers]) == ([1], [0])
            assert busy.workers[0].free_s >= busy.now_s
            while not engine.batches:
                await asyncio.sleep(0.005)
            await asyncio.sleep(0.03)
            engine.gate.set()
            await first.done
            (ended,) = scheduler.states[2].finished
            assert ended.key == first.entry.key
            assert ended.service_s >= 0.02
            await submit(pool).done
            assert submit(pool).entry.service_s >= 0.0

    run(main())


def test_several_starts_for_one_worker_are_one_batch_of_an_engine_that_gains():
    async def main() -> None:
        engine = Held(room=3)
        assert isinstance(engine, BatchEngine)
        async with pool_of(engine, Fcfs()) as pool:
            jobs = [submit(pool, b"%d" % number) for number in range(6)]
            engine.gate.set()
            assert [await status_of(job) for job in jobs] == [200] * 6
        assert engine.batches == [[b"0"], [b"1", b"2", b"3"], [b"4", b"5"]]

    run(main())


def test_a_batch_does_not_grow_at_the_expense_of_a_deadline():
    async def main() -> None:
        engine = Held(room=3)
        engine.gate.set()
        async with pool_of(engine, Fcfs()) as pool:
            pool._service.learn(1, 10.0, pool._clock())
            first = submit(pool, b"0")
            engine.gate.clear()
            urgent = submit(pool, b"1", due_s=pool._clock() + 15.0)
            others = [submit(pool, b"2"), submit(pool, b"3")]
            engine.gate.set()
            assert [await status_of(job) for job in (first, urgent, *others)] == [200] * 4
        assert engine.batches[:2] == [[b"0"], [b"1"]]

    run(main())


def test_a_deadline_that_cannot_be_met_is_refused_at_the_door_and_others_are_not():
    async def main() -> None:
        engine = Held()
        async with pool_of(engine, Fcfs()) as pool:
            now_s = pool._clock()
            for _ in range(30):
                pool._service.learn(7, 0.5, now_s)
            with pytest.raises(RequestError) as refusal:
                pool.admit(pool._clock() + 0.3, 7)
            assert refusal.value.status == 504
            pool.admit(pool._clock() + 0.7, 7).leave()
            submit(pool)
            with pytest.raises(RequestError):  # now half a second is to be waited before
                pool.admit(pool._clock() + 0.7, 7)
            pool.admit(pool._clock() + 1.2, 7).leave()
            pool.admit(None, 7).leave()

    run(main())


def test_a_wait_that_has_become_hopeless_ends_before_the_deadline():
    async def main() -> None:
        async with pool_of(Held(), Edf()) as pool:
            submit(pool)
            pool._service.learn(7, 15.0, pool._clock())
            due_s = pool._clock() + 15.1
            hopeless = submit(pool, due_s=due_s)
            assert not hopeless.done.done()
            assert await status_of(hopeless) == 504
            assert pool._clock() < due_s

    run(main())


def test_an_engine_that_loses_some_of_a_batch_fails_the_batch_only():
    class Lossy(Held):
        def run(self, tasks: Sequence[Task[Any]]) -> list[Inference]:
            return super().run(tasks)[:1]

    async def main() -> None:
        engine = Lossy(room=2)
        async with pool_of(engine, Fcfs()) as pool:
            jobs = [submit(pool) for _ in range(3)]
            engine.gate.set()
            assert await status_of(jobs[0]) == 200
            for job in jobs[1:]:
                with pytest.raises(AssertionError):
                    await job.done
            assert await status_of(submit(pool)) == 200

    run(main())
