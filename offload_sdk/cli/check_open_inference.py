"""What `doctor` looks at where an endpoint speaks the Open Inference Protocol: health and metadata."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from offload_sdk.cli.findings import Finding, ok, problem
from offload_sdk.cli.text import milliseconds, printable
from offload_sdk.typing import Clock

if TYPE_CHECKING:
    from offload_sdk._config import EndpointConfig
    from offload_sdk.execute.exchange import HttpSession

__all__ = ["check_open_inference"]


def check_open_inference(
    check: str, endpoint: EndpointConfig, session: HttpSession, *, clock: Clock, timeout_s: float
) -> Finding:
    """Ask as a device does before its first picture. No picture is sent: a tensor may be half a megabyte."""
    from offload_sdk._assembly import protocol_of
    from offload_sdk.execute.remote import RemoteExecutor

    protocol = protocol_of(endpoint, None)
    executor = RemoteExecutor(endpoint.name, session, clock=clock, connect_timeout_s=timeout_s, protocol=protocol)
    with closing(executor):
        outcome = executor.ping(timeout_s)
    if outcome.error is not None:
        return problem(check, printable(outcome.error), "check the address, the model's name and the server's log")
    form = "JPEG" if outcome.payload is None else f"tensors of {outcome.payload.expected_bytes / 1e3:.0f} KB"
    took = milliseconds(outcome.latency_s)
    return ok(check, f"ready, model {endpoint.model} by the Open Inference Protocol, gets {form}, {took}")
