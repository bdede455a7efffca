"""Spans of OpenTelemetry, made of a request's record once it is answered; its answer waits for none of them.

OpenTelemetry is imported only when spans are wanted, and its settings are its own `OTEL_*` variables. The spans
that newer versions of FastAPI make would know nothing of queue, decoding and inference.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from offload_sdk._version import __version__
from offload_sdk.errors import ConfigurationError
from server_stub.served import Served

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

__all__ = ["Telemetry", "open_telemetry"]

_CLOSE_S = 5.0
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"))


def open_telemetry() -> Telemetry:
    """Return what sends spans by OTLP over HTTP. Raises `ConfigurationError` if it is not installed."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"telemetry needs {error.name}, which is not installed: pip install 'offload-sdk[telemetry]', "
            "or switch it off with --no-telemetry"
        ) from None
    named = Resource.create({"service.name": "offload-server", "service.version": __version__})
    provider = TracerProvider(resource=named.merge(OTELResourceDetector().detect()), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Telemetry(provider)


class Telemetry:
    """Makes a span of each request that brings work, with its steps as children. It continues the caller's trace;
    whether it is kept is for the provider's sampler to say."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("offload-sdk", __version__)

    def __call__(self, served: Served) -> None:
        if served.method in ("GET", "HEAD"):  # of health and metrics, which tell nothing as traces
            return
        from opentelemetry import trace

        method = served.method if served.method in _METHODS else "_OTHER"
        context = None
        if served.trace is not None:
            caller = trace.SpanContext(
                trace_id=int(served.trace.trace_id, 16),
                span_id=int(served.trace.span_id, 16),
                is_remote=True,
                trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED if served.trace.sampled else 0),
            )
            context = trace.set_span_in_context(trace.NonRecordingSpan(caller))
        span = self._tracer.start_span(
            f"{method} {served.route}" if served.route else method,
            context=context,
            kind=trace.SpanKind.SERVER,
            start_time=_ns(served.began_at_s),
            attributes=_attributes(served, method),
        )
        if served.status >= 500:
            span.set_status(trace.StatusCode.ERROR)
        if served.error is not None:
            span.record_exception(served.error, timestamp=_ns(served.began_at_s + served.total_s))
        self._add_steps(span, served)
        span.end(_ns(served.began_at_s + served.total_s))

    def close(self) -> None:
        """Send what is left, within some seconds."""
        closing = threading.Thread(target=self._provider.shutdown, name="offload-telemetry", daemon=True)
        closing.start()
        closing.join(_CLOSE_S)

    def _add_steps(self, parent: Span, served: Served) -> None:
        from opentelemetry import trace

        if served.admit_s is None:
            return
        steps_s = served.steps_s or {"queue": served.total_s - served.admit_s}  # it was given up while it waited
        context = trace.set_span_in_context(parent)
        at_s = served.began_at_s
        for name, seconds in {"admission": served.admit_s, **steps_s}.items():
            step = self._tracer.start_span(name, context=context, start_time=_ns(at_s))
            at_s += seconds
            step.end(_ns(at_s))


def _attributes(served: Served, method: str) -> dict[str, str | int]:
    """Names of OpenTelemetry's conventions for HTTP servers, and our own of `offload.`"""
    attributes: dict[str, str | int | None] = {
        "http.request.method": method,
        "http.response.status_code": served.status,
        "http.route": served.route,
        "url.path": served.path,
        "client.address": served.client,
        "error.type": None if served.problem is None else served.problem.code,
        "offload.request_id": served.request_id,
        "offload.model": served.model,
    }
    return {name: value for name, value in attributes.items() if value is not None}


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
