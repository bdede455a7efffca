"""Another model under load: nothing lost or mixed, the old one kept if the new one fails, and then let go."""

from __future__ import annotations

import asyncio
import gc
import json
import signal
import sys
import threading
import weakref
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
import requests
from server_processes import ready_url

from offload_sdk._types import Label
from offload_sdk.errors import ModelError
from server_stub.engine import Inference, Loader
from server_stub.pool import Pool
from server_stub.reload import Reloader


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


async def ready_pool() -> Pool:
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
    return pool


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
    others = set(threading.enumerate())  # those of servers that serve other tests
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

    def own_workers() -> int:
        return sum("offload-worker" in thread.name for thread in set(threading.enumerate()) - others)

    server.until(lambda: own_workers() == 2)


def test_closing_while_a_model_loads_waits_for_neither():
    slow = Echo("slow")

    async def run() -> None:
        pool = await ready_pool()
        replacing = asyncio.ensure_future(pool.replace(slow.load))
        await asyncio.sleep(0)
        await asyncio.wait_for(pool.close(), 20)
        replacing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await replacing
        slow.may_load.set()
        assert pool.model == "first"

    asyncio.run(run())


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGHUP")
def test_a_signal_loads_the_model_anew_and_a_broken_one_leaves_a_line(launch, tmp_path):
    chosen = tmp_path / "model"
    chosen.write_text("first")
    process = launch(str(chosen))
    url = ready_url(process)

    def model() -> str:
        answer = requests.post(f"{url}/analyze", files={"image": b"0"}, timeout=30)
        assert answer.status_code == 200
        return answer.json()["model"]

    def told() -> dict[str, str]:
        process.send_signal(signal.SIGHUP)
        return json.loads(process.stderr.readline())

    assert model() == "first"
    chosen.write_text("second")
    assert told()["message"] == "requests start on the model second now, loaded anew (first before)"
    assert model() == "second"
    chosen.write_text("broken")
    line = told()
    assert line["level"] == "error"
    assert line["message"] == "the model second stays in use: the model is broken; pull it again"
    assert model() == "second"
    chosen.write_text("third")
    told()
    assert model() == "third"
    metrics = requests.get(f"{url}/metrics", timeout=10).text
    assert 'offload_model_reloads_total{result="replaced"} 2.0' in metrics
    assert 'offload_model_reloads_total{result="failed"} 1.0' in metrics
    assert 'offload_model_info{model="third"' in metrics
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


def test_wishes_while_it_loads_become_one_more_load():
    loads: list[Echo] = []

    async def run() -> None:
        pool = await ready_pool()

        def load() -> Echo:
            loads.append(Echo(f"number {len(loads)}"))
            return loads[-1].load()

        ended: list[str] = []
        reloader = Reloader(pool, load, reloaded=ended.append)
        reloader.ask()
        while not loads:
            await asyncio.sleep(0.01)
        for _ in range(5):
            reloader.ask()
        loads[0].may_load.set()
        while len(loads) < 2:
            await asyncio.sleep(0.01)
        loads[1].may_load.set()
        while len(ended) < 2:
            await asyncio.sleep(0.01)
        assert (pool.model, ended, len(loads)) == ("number 1", ["replaced", "replaced"], 2)
        await reloader.close()
        await pool.close()

    asyncio.run(asyncio.wait_for(run(), 30))
