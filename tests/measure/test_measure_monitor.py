"""The background thread: fresh snapshots, probes off the calling thread, faults survived, quick to close."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from offload_sdk._types import Outcome, Snapshot
from offload_sdk.measure.monitor import Monitor
from offload_sdk.measure.prober import LinkProber

pytestmark = pytest.mark.light


def eventually(condition: Callable[[], object], within_s: float = 20.0) -> None:
    deadline_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline_s, "it did not happen"
        time.sleep(0.005)


class CountingDevice:
    def __init__(self) -> None:
        self.reads = 0
        self.threads: set[str] = set()
        self.fault: Exception | None = None

    def read(self) -> Snapshot:
        self.reads += 1
        self.threads.add(threading.current_thread().name)
        if self.fault is not None:
            raise self.fault
        return Snapshot(taken_s=float(self.reads))


def outcome(status: str = "success", sent: int = 200) -> Outcome:
    return Outcome(
        option="edge",
        path="remote",
        status=status,  # type: ignore[arg-type]
        role="probe",
        started_s=0.0,
        latency_s=0.01,
        sent_bytes=sent,
        received_bytes=100,
    )


class FakeLink:
    def __init__(self) -> None:
        self.pings = 0
        self.uploads: list[int] = []
        self.threads: set[str] = set()
        self.block: threading.Event | None = None
        self.fault: Exception | None = None
        self.status = "success"

    def ping(self, budget_s: float) -> Outcome:
        self.pings += 1
        self.threads.add(threading.current_thread().name)
        if self.block is not None:
            self.block.wait(60.0)
        if self.fault is not None:
            raise self.fault
        return outcome(self.status)

    def upload(self, size_bytes: int, budget_s: float) -> Outcome:
        self.uploads.append(size_bytes)
        return outcome(self.status, size_bytes)


@pytest.fixture
def monitors() -> Iterator[list[Monitor]]:
    made: list[Monitor] = []
    yield made
    for monitor in made:
        monitor.close()


def prober(link: FakeLink, reports: list[Outcome], interval_s: float = 0.05, **kw: float) -> LinkProber:
    return LinkProber(
        {"edge": link},
        reports.append,
        clock=time.monotonic,
        interval_s=interval_s,
        budget_frac=0.01,
        start_bytes=65536,
        seed=1,
    )


def test_the_first_snapshot_is_there_at_once_and_then_renewed(monitors: list[Monitor]) -> None:
    device = CountingDevice()
    monitor = Monitor(device, refresh_s=0.02)
    monitors.append(monitor)
    monitor.start()
    assert monitor.snapshot.taken_s >= 1.0
    eventually(lambda: monitor.snapshot.taken_s >= 5.0)
    assert "offload-monitor" in device.threads


def test_probes_run_on_the_monitors_thread_only(monitors: list[Monitor]) -> None:
    link, reports = FakeLink(), []
    probing = prober(link, reports)
    monitor = Monitor(CountingDevice(), prober=probing)
    monitors.append(monitor)
    monitor.start()
    eventually(lambda: link.uploads and link.pings >= 2)
    probing.image_seen(15_000, time.monotonic())
    assert link.threads == {"offload-monitor"}
    eventually(lambda: len(reports) >= 3)
    assert all(report.role == "probe" for report in reports)


def test_close_is_quick_even_while_a_probe_blocks() -> None:
    link = FakeLink()
    link.block = threading.Event()
    monitor = Monitor(CountingDevice(), prober=prober(link, []))
    monitor.start()
    eventually(lambda: link.pings)
    before_s = time.monotonic()
    monitor.close()
    assert time.monotonic() - before_s < 3.0
    link.block.set()


def test_close_ends_the_thread_and_is_final() -> None:
    others = set(threading.enumerate())  # another test's threads may still be ending

    def own() -> list[threading.Thread]:
        return [t for t in threading.enumerate() if t.name == "offload-monitor" and t not in others]

    monitor = Monitor(CountingDevice(), refresh_s=60.0)
    monitor.start()
    assert len(own()) == 1
    monitor.close()
    monitor.close()
    eventually(lambda: not own())
    monitor.start()
    assert monitor.snapshot.taken_s == 1.0
    assert not own()


def test_faults_are_survived_and_logged_once(monitors: list[Monitor], caplog: pytest.LogCaptureFixture) -> None:
    calls = {"bad": 0, "good": 0}

    def bad() -> None:
        calls["bad"] += 1
        raise RuntimeError("a chore that fails")

    def good() -> None:
        calls["good"] += 1

    device = CountingDevice()
    monitor = Monitor(device, refresh_s=0.01)
    monitors.append(monitor)
    monitor.add_chore("bad chore", bad, every_s=0.01)
    monitor.add_chore("good chore", good, every_s=0.01)
    with caplog.at_level(logging.ERROR, logger="offload_sdk"):
        monitor.start()
        device.fault = OSError("the sensor is gone")
        eventually(lambda: calls["bad"] >= 3 and calls["good"] >= 3)
    assert sum("bad chore" in record.getMessage() for record in caplog.records) == 1
    device.fault = None
    seen = monitor.snapshot.taken_s
    eventually(lambda: monitor.snapshot.taken_s > seen)


def test_a_link_that_raises_counts_as_failed(monitors: list[Monitor], caplog: pytest.LogCaptureFixture) -> None:
    link, reports = FakeLink(), []
    link.fault = RuntimeError("not what a link should do")
    monitor = Monitor(CountingDevice(), prober=prober(link, reports))
    monitors.append(monitor)
    with caplog.at_level(logging.WARNING, logger="offload_sdk"):
        monitor.start()
        eventually(lambda: link.pings >= 3)
    assert reports == []
    assert len(caplog.records) == 1


def test_a_report_that_raises_does_not_end_the_probing(monitors: list[Monitor]) -> None:
    link = FakeLink()

    def report(_: Outcome) -> None:
        raise RuntimeError("not what a report should do")

    probing = LinkProber(
        {"edge": link},
        report,
        clock=time.monotonic,
        interval_s=0.02,
        budget_frac=0.01,
        start_bytes=65536,
    )
    monitor = Monitor(CountingDevice(), prober=probing)
    monitors.append(monitor)
    monitor.start()
    eventually(lambda: link.pings >= 3)


def test_an_endpoint_set_down_is_pinged_until_it_is_back(monitors: list[Monitor]) -> None:
    link, reports = FakeLink(), []
    link.status = "failed"
    probing = prober(link, reports)
    probing.set_down("edge", True)
    monitor = Monitor(CountingDevice(), prober=probing)
    monitors.append(monitor)
    monitor.start()
    eventually(lambda: link.pings >= 4)
    assert link.uploads == []
    link.status = "success"
    probing.set_down("edge", False)
    monitor.poke()
    eventually(lambda: link.uploads)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_gets_a_thread_of_its_own(monitors: list[Monitor]) -> None:
    device = CountingDevice()
    monitor = Monitor(device, prober=prober(FakeLink(), []), refresh_s=0.01)
    monitors.append(monitor)
    monitor.start()
    child = os.fork()
    if child == 0:  # pragma: no cover - runs in the child
        try:
            first = monitor.snapshot.taken_s
            eventually(lambda: monitor.snapshot.taken_s > first + 3)
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
