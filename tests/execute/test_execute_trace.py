"""The trace of an upload: the request's own id, or the caller's active span if it uses OpenTelemetry."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from offload_sdk import OffloadConfig, Offloader
from offload_sdk._trace import active_trace
from offload_sdk.wire import TraceContext, parse_trace


@pytest.fixture
def upload(tmp_path: Path) -> Iterator[tuple[Offloader, list[tuple[str, str]], Path]]:
    """An offloader, what its server was sent as (request id, traceparent), and a picture."""
    seen: list[tuple[str, str]] = []

    class Server(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.headers["Offload-Request-Id"], self.headers["traceparent"]))
            body = b'{"predictions": [{"label": "x", "probability": 1.0, "index": 0}], "model": "m"}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    picture = tmp_path / "a.jpg"
    Image.new("RGB", (64, 64), "red").save(picture)
    config = OffloadConfig(
        home=tmp_path,
        server_url=f"http://127.0.0.1:{server.server_port}",
        policy="remote",
        local=False,
        probe={"enabled": False},
    )
    with Offloader(config) as offloader:
        yield offloader, seen, picture
    server.shutdown()
    server.server_close()


def test_without_opentelemetry_the_trace_has_the_requests_id(upload):
    offloader, seen, picture = upload
    first, second = (offloader.classify(picture).request_id for _ in range(2))
    traces = [parse_trace(value) for _, value in seen]
    assert [trace.trace_id for trace in traces] == [request_id for request_id, _ in seen] == [first, second]
    assert all(trace.sampled for trace in traces)
    assert traces[0].span_id != traces[1].span_id


def test_the_callers_span_goes_along(upload):
    trace = pytest.importorskip("opentelemetry.trace")
    offloader, seen, picture = upload
    span = trace.NonRecordingSpan(
        trace.SpanContext(trace_id=0xABC, span_id=0xDEF, is_remote=False, trace_flags=trace.TraceFlags(0))
    )
    expected = TraceContext(trace_id=f"{0xABC:032x}", span_id=f"{0xDEF:016x}", sampled=False)
    with trace.use_span(span):
        assert active_trace() == expected
        request_id = offloader.classify(picture).request_id
    assert active_trace() is None
    ((sent_id, value),) = seen
    assert sent_id == request_id
    assert parse_trace(value) == expected
