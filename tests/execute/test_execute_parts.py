"""The smaller parts of running: workers to be left behind, the picture of a probe, a failing runtime, learning."""

from __future__ import annotations

import threading
import time
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offload_sdk._types import Decision, ImageInfo, Label, Outcome, Payload, Request, Snapshot
from offload_sdk.errors import InvalidImageError, ModelError
from offload_sdk.execute.exchange import HttpSession
from offload_sdk.execute.local import LocalExecutor
from offload_sdk.execute.probe_image import padded_jpeg
from offload_sdk.execute.remote import RemoteExecutor
from offload_sdk.execute.workers import Task, Workers
from offload_sdk.learn import learn, learn_probe
from offload_sdk.testing import FakeClock, FaultyServer

pytestmark = pytest.mark.light
REQUEST = Request(request_id="r", top_k=3, snapshot=Snapshot(taken_s=0.0))


# Workers


def test_workers_take_so_many_calls_and_no_more() -> None:
    workers, gate = Workers(3, "test"), threading.Event()
    tasks = [workers.submit(gate.wait) for _ in range(5)]
    assert [task is None for task in tasks] == [False] * 3 + [True] * 2
    assert not tasks[0].wait(0.01)
    assert not workers.join(0.01)
    gate.set()
    assert workers.join(10.0)
    assert all(task.wait(10.0) and task.result() is True for task in tasks[:3])
    again = workers.submit(lambda: 7)
    assert again is not None
    assert again.wait(10.0)
    assert again.result() == 7
    workers.close()
    assert workers.submit(lambda: 7) is None


def test_a_worker_hands_its_error_over_and_goes_on() -> None:
    workers = Workers(1, "test")
    for _ in range(3):
        task = workers.submit(lambda: 1 / 0)
        assert task is not None
        assert task.wait(10.0)
        with pytest.raises(ZeroDivisionError):
            task.result()
        assert workers.join(10.0)
    workers.close()


def test_workers_end_after_close_and_closing_twice_is_no_harm() -> None:
    before = threading.active_count()
    workers = Workers(4, "test")
    for _ in range(4):
        workers.submit(lambda: time.sleep(0.01))
    workers.close()
    workers.close()
    end_s = time.monotonic() + 10.0
    while threading.active_count() > before:
        assert time.monotonic() < end_s
        time.sleep(0.005)


def test_a_task_that_has_not_begun_can_be_cancelled_and_then_never_runs() -> None:
    workers, gate, ran = Workers(1, "test", backlog=2), threading.Event(), []
    running = workers.submit(lambda: gate.wait(10.0))
    waiting = workers.submit(lambda: ran.append(1))
    assert running is not None
    assert waiting is not None
    until_begun(running)
    assert waiting.cancel()
    assert not running.cancel()
    gate.set()
    assert workers.join(10.0)
    assert (ran, waiting.ended, running.result()) == ([], False, True)
    workers.close()


def until_begun(task: Task[bool]) -> None:
    end_s = time.monotonic() + 10.0
    while task._call is not None:
        assert time.monotonic() < end_s
        time.sleep(0.001)


def test_what_follows_a_task_is_done_once_whether_it_has_ended_or_not(caplog: pytest.LogCaptureFixture) -> None:
    workers, gate = Workers(1, "test"), threading.Event()
    seen: list[tuple[str, int]] = []
    task = workers.submit(lambda: gate.wait(10.0) and 7)
    assert task is not None
    task.then(lambda ended: seen.append(("before", ended.result())))
    task.then(lambda ended: 1 / 0)  # is logged, and harms neither the worker nor the caller
    gate.set()
    assert workers.join(10.0)
    task.then(lambda ended: seen.append(("after", ended.result())))
    assert seen == [("before", 7), ("after", 7)]
    assert "ZeroDivisionError" in caplog.text
    again = workers.submit(lambda: 8)
    assert again is not None
    assert again.wait(10.0)
    workers.close()


def test_without_a_thread_a_call_is_performed_at_once() -> None:
    workers = Workers(1, "test")
    workers.close()
    task = workers.start(threading.current_thread)
    assert (task.ended, task.raised, task.result()) == (True, False, threading.current_thread())
    failed = workers.start(lambda: 1 / 0)
    assert (failed.ended, failed.raised) == (True, True)


# The probe's picture


@given(size=st.integers(0, 300_000))
@settings(max_examples=30, deadline=None)
def test_the_probes_picture_has_the_size_asked_for_and_is_a_picture(size: int) -> None:
    from PIL import Image

    encoded = padded_jpeg(size)
    assert len(encoded) == pytest.approx(size, abs=4) or (size < 1024 and len(encoded) < 1024)
    with Image.open(BytesIO(encoded)) as image:
        image.load()
        assert image.format == "JPEG"


# Executors


class OnePicture:
    info = ImageInfo(format="JPEG", width=10, height=10, encoded_bytes=100)

    def tensor(self, timings: dict[str, float]) -> object:
        timings["decode"] = 0.001
        return object()

    def payload(self, timings: dict[str, float], payload: Payload | None = None) -> tuple[bytes, str]:
        return padded_jpeg(2000), "image/jpeg"


class Undecodable(OnePicture):
    def tensor(self, timings: dict[str, float]) -> object:
        raise InvalidImageError("it is torn")

    def payload(self, timings: dict[str, float], payload: Payload | None = None) -> tuple[bytes, str]:
        raise InvalidImageError("it is torn")


class Broken:
    name = "broken"

    def classify_tensor(self, tensor: object, k: int, timings: dict[str, float]) -> tuple[Label, ...]:
        raise ModelError("the runtime gave up")

    def close(self) -> None:
        pass


def test_a_failing_runtime_is_an_outcome_and_a_bad_image_an_error() -> None:
    executor = LocalExecutor(Broken(), clock=FakeClock())
    outcome = executor.run(OnePicture(), REQUEST, "answer", None)
    assert (outcome.status, outcome.error_kind, outcome.error) == ("failed", "model", "the runtime gave up")
    assert outcome.labels == ()
    with pytest.raises(InvalidImageError, match="torn"):
        executor.run(Undecodable(), REQUEST, "answer", None)


def remote(url: str) -> RemoteExecutor:
    session = HttpSession(url, token=None, ca_bundle=None, connections=2)
    return RemoteExecutor("edge", session, clock=time.monotonic, connect_timeout_s=1.0)


def test_a_ping_and_an_upload_are_samples_of_the_link() -> None:
    with FaultyServer() as server:
        executor = remote(server.url)
        first, second = executor.ping(2.0), executor.ping(2.0)
        upload = executor.upload(8000, 2.0)
        executor.close()
        requests = server.requests
    assert [outcome.status for outcome in (first, second, upload)] == ["success"] * 3
    assert [outcome.role for outcome in (first, second, upload)] == ["probe"] * 3
    assert (first.cold, second.cold, upload.cold) == (True, False, False)
    assert "connect" in first.timings
    assert "connect" not in second.timings
    assert all(0.0 <= outcome.timings["network"] <= outcome.latency_s for outcome in (first, second, upload))
    assert (first.labels, second.labels) == ((), ())
    assert second.sent_bytes < 400
    assert upload.sent_bytes == pytest.approx(8000, abs=900)
    for outcome, request in zip((first, second, upload), requests, strict=True):
        real = len(request.body) + sum(len(k) + len(v) + 4 for k, v in request.headers.items())
        assert outcome.sent_bytes == pytest.approx(real, abs=120)


def test_what_was_given_up_is_censored_and_tells_how_long_it_was_waited_for() -> None:
    with FaultyServer(fault="black_hole") as server:
        executor = remote(server.url)
        outcome = executor.run(OnePicture(), REQUEST, "answer", 0.2)
        executor.close()
    assert (outcome.status, outcome.error_kind, outcome.censored) == ("failed", "timeout", True)
    assert 0.15 < outcome.timings["network"] < 3.0


def test_a_bad_image_is_sent_nowhere() -> None:
    with FaultyServer() as server:
        executor = remote(server.url)
        with pytest.raises(InvalidImageError, match="torn"):
            executor.run(Undecodable(), REQUEST, "answer", 1.0)
        executor.close()
        assert server.requests == ()


# Learning


class Pupil:
    def __init__(self) -> None:
        self.seen: list[tuple[Outcome, ImageInfo | None]] = []

    def estimate(self, image: ImageInfo, snapshot: Snapshot, now_s: float) -> None:
        raise AssertionError("learning asks for nothing")

    def update(self, outcome: Outcome, image: ImageInfo | None, snapshot: Snapshot) -> None:
        self.seen.append((outcome, image))


def test_each_estimator_learns_its_own_outcomes() -> None:
    def outcome(option: str, role: str = "answer") -> Outcome:
        path = "local" if option == "local" else "remote"
        return Outcome(option=option, path=path, status="failed", role=role, started_s=0.0, latency_s=0.1)

    pupils = {name: Pupil() for name in ("local", "edge", "cloud")}
    decision = Decision(chosen="edge", path="remote", policy="x", reason="1", predicted={})
    failed, answered = outcome("edge"), outcome("local", "fallback")
    learn(pupils, None, decision, iter((failed, answered)), OnePicture.info, REQUEST.snapshot)
    assert pupils["edge"].seen == [(failed, OnePicture.info)]
    assert pupils["local"].seen == [(answered, OnePicture.info)]
    assert pupils["cloud"].seen == []
    probe = outcome("cloud", "probe")
    learn_probe(pupils, probe, REQUEST.snapshot)
    assert pupils["cloud"].seen == [(probe, None)]
