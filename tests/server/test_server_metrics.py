"""`/metrics`: it parses, says what happened, has no label that callers can widen, and is each server's own."""

from __future__ import annotations

import http.client
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from offload_sdk._version import __version__

PAGE = Path(__file__).resolve().parents[2] / "docs" / "server.md"


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name, frozenset(sample.labels.items())] = sample.value
    return found


class Scraped:
    def __init__(self, url: str, **options: object) -> None:
        response = requests.get(f"{url}/metrics", timeout=10, **options)  # type: ignore[arg-type]
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        self.found = samples(response.text)

    def __call__(self, name: str, **labels: str) -> float:
        return self.found[name, frozenset(labels.items())]


def test_a_request_is_counted_with_its_wait_service_and_total(start_server):
    server = start_server(workers=2)
    before = Scraped(server.url)
    assert before("offload_ready") == 1
    assert before("offload_workers") == 2
    assert before("offload_model_info", model="fake", version=__version__) == 1
    assert server.analyze().status_code == 200
    after = Scraped(server.url)
    assert after("offload_requests_total", route="/analyze", status="200") == 1
    assert after("offload_scheduler_decisions_total", decision="start", reason="") == 1
    for name in ("queue_wait_seconds", "service_seconds", "batch_size"):
        assert after(f"offload_{name}_count") == 1
    assert after("offload_request_seconds_count", route="/analyze") == 1
    total_s = after("offload_request_seconds_sum", route="/analyze")
    assert 0 < after("offload_service_seconds_sum") <= total_s < 10
    assert after("offload_batch_size_sum") == 1


def test_the_state_of_the_pool_is_that_of_the_moment(start_server):
    server = start_server(workers=1, queue_bound=2)
    with ThreadPoolExecutor(3) as threads:
        for _ in range(3):
            threads.submit(server.analyze, b"wait" + b"." * 996)
        server.until(lambda: server.pool.occupancy().queued == 2)
        busy = Scraped(server.url)
        assert server.analyze().status_code == 503
        server.model.gate.set()
    assert (busy("offload_queue_length"), busy("offload_workers_busy")) == (2, 1)
    assert busy("offload_requests_in_flight") == busy("offload_concurrency_limit") == 3
    assert busy("offload_held_bytes") >= 3000
    server.until(lambda: server.pool.occupancy().in_flight == 0)
    idle = Scraped(server.url)
    assert idle("offload_queue_length") == idle("offload_workers_busy") == idle("offload_held_bytes") == 0
    assert idle("offload_refusals_total", status="503", code="overloaded") == 1
    assert idle("offload_requests_total", route="/analyze", status="503") == 1
    assert idle("offload_request_seconds_count", route="/analyze") == 3


def test_a_refusal_of_the_scheduler_has_its_reason(start_server):
    server = start_server(workers=1)
    with ThreadPoolExecutor(1) as threads:
        threads.submit(server.analyze, b"wait")
        assert server.model.entered.acquire(timeout=10)
        assert server.analyze(headers={"Offload-Deadline": "0.05"}).status_code == 504
        server.model.gate.set()
    found = Scraped(server.url)
    assert found("offload_scheduler_decisions_total", decision="refuse", reason="deadline_exceeded") == 1
    assert found("offload_refusals_total", status="504", code="deadline_exceeded") == 1


def test_callers_cannot_widen_a_label(live_server):
    def label_sets() -> set[object]:
        return {key for key in Scraped(live_server.url).found if key[0].startswith("offload_")}

    connection = http.client.HTTPConnection(live_server.host, live_server.port, timeout=10)

    def send(method: str, path: str) -> None:
        connection.request(method, path, headers={"Offload-Request-Id": path, "traceparent": path})
        connection.getresponse().read()

    for path in ("/nothing", "/docs/assets/nothing", "/metrics"):
        send("GET", path)
    send("BREW", "/analyze")
    before = label_sets()
    for number in range(20):
        send("GET", f"/nothing/{number}")
        send(f"BREW{number}", "/analyze")
        send("GET", f"/docs/assets/{number}")
    connection.close()
    assert label_sets() == before


def test_the_process_shows_its_time_and_memory(live_server):
    found = Scraped(live_server.url)
    if not Path("/proc/self/stat").exists():
        pytest.skip("these are read off /proc")
    assert found("process_cpu_seconds_total") > 0
    assert found("process_resident_memory_bytes") > 1e6


def test_two_servers_in_one_process_count_apart(start_server):
    one, other = start_server(), start_server()
    assert one.analyze().status_code == 200
    label = {"route": "/analyze", "status": "200"}
    assert Scraped(one.url)("offload_requests_total", **label) == 1
    assert ("offload_requests_total", frozenset(label.items())) not in Scraped(other.url).found


def test_the_token_is_asked_for_unless_the_metrics_are_public(start_server):
    guarded = start_server(tokens=("secret",))
    assert requests.get(f"{guarded.url}/metrics", timeout=10).status_code == 401
    assert Scraped(guarded.url, headers={"Authorization": "Bearer secret"})("offload_ready") == 1
    public = start_server(tokens=("secret",), public_metrics=True)
    assert Scraped(public.url)("offload_ready") == 1
    assert public.analyze().status_code == 401


def test_hostile_ways_to_ask_for_it(live_server):
    for accept in ("text/plain; version=x", "application/openmetrics-text; version=9", "\xff"):
        Scraped(live_server.url, headers={"Accept": accept.encode("latin-1")})


def test_the_page_lists_every_metric(live_server):
    listed = set(re.findall(r"^\| `(offload_[a-z_]+)", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    text = requests.get(f"{live_server.url}/metrics", timeout=10).text
    shown = set(re.findall(r"^# TYPE (offload_\w+)", text, re.MULTILINE))
    assert listed == {name for name in shown if not name.endswith("_created")}
