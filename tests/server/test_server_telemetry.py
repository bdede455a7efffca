"""Traces: a request's spans, continued from the device's; off, and not even imported, unless asked for."""

from __future__ import annotations

import http.server
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
import requests
from server_processes import SCRIPT, ready_url

from offload_sdk.wire import TraceContext, format_trace, parse_trace
from server_stub.options import traces_wanted
from server_stub.problems import RequestError
from server_stub.served import Served
from server_stub.telemetry import Telemetry

pytest.importorskip("opentelemetry.sdk")
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

CALLER = TraceContext(trace_id="4bf92f3577b34da6a3ce929d0e0e4736", span_id="00f067aa0ba902b7")


def spans_of(served: Served) -> dict[str, ReadableSpan]:
    kept = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    telemetry = Telemetry(provider)
    telemetry(served)
    telemetry.close()
    return {span.name: span for span in kept.get_finished_spans()}


def served(**known: object) -> Served:
    values: dict[str, object] = {
        "request_id": "r-1",
        "method": "POST",
        "path": "/analyze",
        "route": "/analyze",
        "status": 200,
        "began_at_s": 1000.0,
        "total_s": 0.5,
        "trace": CALLER,
        "admit_s": 0.1,
        "steps_s": {"queue": 0.1, "decode": 0.05, "infer": 0.2},
        "model": "fake",
        **known,
    }
    return Served(**values)  # type: ignore[arg-type]


def test_a_request_is_a_span_of_the_callers_trace_with_its_steps_in_order():
    spans = spans_of(served())
    whole = spans["POST /analyze"]
    assert f"{whole.context.trace_id:032x}" == CALLER.trace_id
    assert f"{whole.parent.span_id:016x}" == CALLER.span_id
    assert (whole.end_time - whole.start_time) / 1e9 == pytest.approx(0.5)
    assert whole.attributes["offload.request_id"] == "r-1"
    assert whole.attributes["http.response.status_code"] == 200
    steps = [spans[name] for name in ("admission", "queue", "decode", "infer")]
    assert all(step.parent.span_id == whole.context.span_id for step in steps)
    assert [(step.end_time - step.start_time) / 1e9 for step in steps] == pytest.approx([0.1, 0.1, 0.05, 0.2])
    assert steps[0].start_time == whole.start_time
    assert [step.end_time for step in steps[:-1]] == [step.start_time for step in steps[1:]]


def test_without_a_caller_it_begins_a_trace():
    assert spans_of(served(trace=None))["POST /analyze"].parent is None


def test_a_caller_that_keeps_no_trace_is_followed():
    assert spans_of(served(trace=TraceContext(trace_id="a" * 32, span_id="b" * 16, sampled=False))) == {}


def test_what_failed_says_how():
    spans = spans_of(served(status=504, problem=RequestError.deadline(), steps_s={}, model=None))
    assert set(spans) == {"POST /analyze", "admission", "queue"}
    assert spans["POST /analyze"].attributes["error.type"] == "deadline_exceeded"
    assert spans["POST /analyze"].status.status_code.name == "ERROR"
    assert (spans["queue"].end_time - spans["queue"].start_time) / 1e9 == pytest.approx(0.4)
    refused = spans_of(served(status=503, problem=RequestError.overloaded(1), steps_s={}, admit_s=None))
    assert set(refused) == {"POST /analyze"}


def test_health_and_unknown_methods():
    assert spans_of(served(method="GET", route="/")) == {}
    assert set(spans_of(served(method="BREW\x00", route=None, admit_s=None))) == {"_OTHER"}


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "x"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "x"}, False),
        ({"OTEL_SDK_DISABLED": "True", "OTEL_EXPORTER_OTLP_ENDPOINT": "x"}, False),
    ],
)
def test_opentelemetrys_own_variables_switch_it_on(environment, wanted):
    assert traces_wanted(environment) is wanted


@pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM is not delivered there")
def test_spans_reach_a_collector_with_the_trace_of_the_request():
    received: list[ExportTraceServiceRequest] = []

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            import gzip

            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            received.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    collector = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), '{"port": 0, "workers": 1, "telemetry": true}', "fine"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
        },
    )
    try:
        url = ready_url(process)
        headers = {"traceparent": format_trace(CALLER)}
        assert requests.post(f"{url}/analyze", files={"image": b"0"}, headers=headers, timeout=30).ok
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0  # what was not sent yet is sent at the end
    finally:
        process.kill()
        process.communicate()
        collector.shutdown()
        collector.server_close()
    (resource,) = (each for request in received for each in request.resource_spans)
    attributes = {each.key: each.value.string_value for each in resource.resource.attributes}
    assert attributes["service.name"] == "offload-server"
    assert attributes["deployment.environment.name"] == "test"
    spans = [span for scope in resource.scope_spans for span in scope.spans]
    assert {span.name for span in spans} == {"POST /analyze", "admission", "queue", "decode", "infer"}
    assert {span.trace_id.hex() for span in spans} == {CALLER.trace_id}
    (whole,) = (span for span in spans if span.name == "POST /analyze")
    assert abs(whole.start_time_unix_nano / 1e9 - time.time()) < 300


def test_without_it_neither_sdk_nor_exporter_is_imported():  # FastAPI itself may import the API
    script = (
        "import sys\n"
        "import server_stub.run, server_stub.telemetry\n"
        "from server_stub.settings import ServerSettings\n"
        "server_stub.run.create_app(ServerSettings(), lambda: None)\n"
        "heavy = ('opentelemetry.sdk', 'opentelemetry.exporter')\n"
        "print(sorted(name for name in sys.modules if name.startswith(heavy)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_without_its_packages_it_says_what_to_install():
    script = (
        "import sys\n"
        "sys.modules['opentelemetry.sdk.trace'] = None\n"
        "from server_stub.__main__ import main\n"
        "sys.exit(main(['--port', '0', '--telemetry']))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "pip install 'offload-sdk[telemetry]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "value",
    [
        "",
        "00",
        "nonsense" * 1000,
        "00-" + "0" * 32 + "-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
        "00-4bf92f3577b34da6a3ce929d0e0e473\u0661-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\n",
    ],
)
def test_a_traceparent_that_is_none_counts_as_absent(value):
    assert parse_trace(value) is None


def test_a_traceparent_survives_the_way_and_a_later_version_is_understood():
    assert parse_trace(format_trace(CALLER)) == CALLER
    unsampled = TraceContext(trace_id="a" * 32, span_id="b" * 16, sampled=False)
    assert parse_trace(format_trace(unsampled)) == unsampled
    assert parse_trace(f"cc-{CALLER.trace_id}-{CALLER.span_id}-03-what-comes-later") == CALLER


def test_a_hostile_traceparent_costs_no_answer(live_server):
    for value in ("x" * 8000, "00-" + "g" * 32 + "-" + "0" * 16 + "-zz"):
        assert live_server.analyze(headers={"traceparent": value}).status_code == 200
