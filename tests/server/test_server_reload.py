"""Another model under load: nothing lost or mixed, the old one kept if the new one fails, and then let go."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
import requests

from offload_sdk._types import Label
from offload_sdk.errors import ModelError
from server_stub.engine import Inference, Loader
from server_stub.pool import Pool


def replace(server, loader: Loader) -> Future[None]:
    return asyncio.run_coroutine_threadsafe(server.pool.replace(loader), server.pool._loop)


class Echo:
    """A model that puts its name into its answers' labels."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.may_load = threading.Event()

    def load(self) -> Echo:
        assert self.may_load.wait(30)
        return self

    def engine(self) -> Echo:
        return self

    def infer(self, image: bytes, top_k: int) -> Inference:
        label = Label(name=self.name, probability=1.0, index=0)
        return Inference(labels=(label,), decode_s=0.0, infer_s=0.0)


def loaded(name: str) -> Echo:
    model = Echo(name)
    model.may_load.set()
    return model


def test_requests_under_load_change_over_without_one_lost_or_mixed(start_server):
    server = start_server(queue_bound=16)
    replace(server, loaded("first").load).result(20)
    second = Echo("second")
    pairs: list[tuple[str, str]] = []
    enough = threading.Event()

    def ask() -> None:
        with requests.Session() as session:
            while not enough.is_set():
                answer = session.post(f"{server.url}/analyze", files={"image": b"picture"}, timeout=30)
                assert answer.status_code == 200
                pairs.append((answer.json()["model"], answer.json()["predictions"][0]["label"]))

    with ThreadPoolExecutor(4) as threads:
        asking = [threads.submit(ask) for _ in range(4)]
        replaced = replace(server, second.load)
        before = len(pairs) + 20
        server.until(lambda: len(pairs) > before)  # the old model serves while the new one loads
        assert not replaced.done()
        second.may_load.set()
        replaced.result(20)
        after = len(pairs) + 20
        server.until(lambda: len(pairs) > after)
        enough.set()
        for each in asking:
            each.result(30)
    assert set(pairs) == {("first", "first"), ("second", "second")}
    assert pairs[-1] == ("second", "second")
    assert requests.get(server.url, timeout=10).json()["model"] == "second"


def test_what_runs_ends_on_the_model_it_began_on(start_server):
    server = start_server(workers=1)
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(server.analyze, b"wait")
        assert server.model.entered.acquire(timeout=10)
        replace(server, loaded("new").load).result(20)
        assert requests.get(server.url, timeout=10).json()["model"] == "new"
        server.model.gate.set()
        assert running.result().json()["model"] == "fake"
    assert server.analyze().json()["model"] == "new"


def test_a_model_that_does_not_load_leaves_the_old_one_in_place(start_server):
    server = start_server()

    class Broken(Echo):
        def engine(self) -> Echo:
            raise RuntimeError("no such operator")

    def absent() -> Echo:
        raise ModelError("the model is not there; pull it")

    broken = Broken("broken")
    broken.may_load.set()
    for loader, words in [(absent, "pull it"), (broken.load, "no such operator")]:
        with pytest.raises(ModelError, match=words):
            replace(server, loader).result(20)
        answer = server.analyze()
        assert (answer.status_code, answer.json()["model"]) == (200, "fake")
    replace(server, loaded("new").load).result(20)
    assert server.analyze().json()["model"] == "new"


def test_the_old_model_and_its_threads_are_let_go(start_server):
    server = start_server()
    first = loaded("first")
    replace(server, first.load).result(20)
    assert server.analyze().json()["model"] == "first"
    gone = weakref.ref(first)
    del first
    replace(server, loaded("second").load).result(20)

    def released() -> bool:
        gc.collect()
        return gone() is None

    server.until(released)
    server.until(lambda: sum("offload-worker" in thread.name for thread in threading.enumerate()) == 2)


def test_closing_while_a_model_loads_waits_for_neither():
    slow = Echo("slow")

    async def run() -> None:
        ready = asyncio.Event()
        pool = Pool(
            loaded("first").load,
            workers=1,
            queue_bound=1,
            max_inflight_bytes=100,
            on_state=lambda state: ready.set(),
        )
        pool.start()
        await asyncio.wait_for(ready.wait(), 20)
        replacing = asyncio.ensure_future(pool.replace(slow.load))
        await asyncio.sleep(0)
        await asyncio.wait_for(pool.close(), 20)
        replacing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await replacing
        slow.may_load.set()
        assert pool.model == "first"

    asyncio.run(run())
