"""Engines that hang, run out of memory or end their thread: the request fails, the pool goes on."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from offload_sdk._types import Label
from server_stub.engine import Inference


class Faulty:
    """Each engine is a new one; pictures say what they do to it."""

    name = "faulty"
    signature = None

    def __init__(self) -> None:
        self.may_load = threading.Event()
        self.gate = threading.Event()
        self.made = 0
        self.may_make = True

    def load(self) -> Faulty:
        return self

    def engine(self) -> Engine:
        if not self.may_make:
            raise RuntimeError("no more memory for another interpreter")
        self.made += 1
        return Engine(self.gate)


class Engine:
    def __init__(self, gate: threading.Event) -> None:
        self.gate = gate

    def infer(self, image: bytes, top_k: int) -> Inference:
        if image == b"hang":
            assert self.gate.wait(30)
        if image == b"memory":
            raise MemoryError
        if image == b"exit":
            raise SystemExit(3)
        return Inference(labels=(Label(name="x", probability=1.0, index=0),), decode_s=0.0, infer_s=0.0)

    def score(self, image: bytes) -> None:
        raise NotImplementedError


@pytest.fixture
def model():
    return Faulty()


def workers() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if "offload-worker" in thread.name}


def test_a_hanging_worker_is_replaced_and_its_request_fails(start_server, model, error_code):
    others = workers()  # those of another test's server may still be ending
    server = start_server(model, workers=1, infer_timeout_s=0.2)
    with ThreadPoolExecutor(1) as threads:
        hanging = threads.submit(server.analyze, b"hang")
        response = hanging.result(20)
    assert (response.status_code, error_code(response)) == (500, "internal")
    assert server.analyze().status_code == 200
    assert model.made == 2
    assert server.pool.intake.bodies == 1  # the thread still has it
    model.gate.set()
    server.until(lambda: server.pool.intake.bodies == 0)
    assert server.analyze().status_code == 200
    server.until(lambda: len(workers() - others) == 1)


def test_what_waits_for_a_hanging_worker_is_answered_by_the_next(start_server, model):
    server = start_server(model, workers=1, infer_timeout_s=0.3)
    with ThreadPoolExecutor(2) as threads:
        threads.submit(server.analyze, b"hang")
        server.until(lambda: bool(server.pool._running))
        assert threads.submit(server.analyze).result(20).status_code == 200


def test_a_server_that_loses_all_workers_and_gets_no_other_stops(start_server, model):
    server = start_server(model, workers=1, infer_timeout_s=0.2)
    model.may_make = False
    assert server.analyze(b"hang").status_code == 500
    server.until(lambda: server.pool.state == "failed")
    assert "no more memory" in str(server.pool.error)


@pytest.mark.parametrize(("image", "status"), [(b"memory", 503), (b"exit", 500)])
def test_an_engine_out_of_memory_or_that_ends_its_thread_costs_one_request(start_server, model, image, status):
    server = start_server(model, workers=1)
    for _ in range(3):
        response = server.analyze(image)
        assert response.status_code == status
        assert ("Retry-After" in response.headers) == (status == 503)
        assert server.analyze().status_code == 200
    assert model.made == 1


def test_a_model_is_replaced_while_a_worker_of_the_one_before_hangs(start_server, model):
    server = start_server(model, workers=1, infer_timeout_s=0.5)
    other = Faulty()
    other.name = "other"
    with ThreadPoolExecutor(1) as threads:
        hanging = threads.submit(server.analyze, b"hang")
        server.until(lambda: bool(server.pool._running))
        asyncio.run_coroutine_threadsafe(server.pool.replace(other.load), server.pool._loop).result(20)
        assert hanging.result(20).status_code == 500
    assert server.analyze().json()["model"] == "other"
    model.gate.set()
    server.until(lambda: server.pool.intake.bodies == 0)
    assert server.analyze().json()["model"] == "other"
