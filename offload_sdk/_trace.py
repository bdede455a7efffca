"""Where the caller stands in a trace, if it uses OpenTelemetry. Imports nothing of it and starts no span."""

from __future__ import annotations

import sys

from offload_sdk._types import TraceContext

__all__ = ["active_trace"]


def active_trace() -> TraceContext | None:
    """Return the caller's active span, if any. A process that has not imported OpenTelemetry has none."""
    module = sys.modules.get("opentelemetry.trace")
    get_current_span = getattr(module, "get_current_span", None)  # None while another thread is importing it
    if get_current_span is None:
        return None
    span = get_current_span().get_span_context()
    if not span.is_valid:
        return None
    return TraceContext(
        trace_id=f"{span.trace_id:032x}", span_id=f"{span.span_id:016x}", sampled=span.trace_flags.sampled
    )
