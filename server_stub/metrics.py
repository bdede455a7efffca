"""What `/metrics` shows, for Prometheus. Each server has a registry of its own; nothing is counted anywhere else.

Every label has few values: a route, a status, a code of `problems`, a decision. No path, client or id is one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from offload_sdk._version import __version__
from server_stub.pool import Pool
from server_stub.served import Served

__all__ = ["CONTENT_TYPE", "METRICS_PATH", "ServerMetrics"]

METRICS_PATH = "/metrics"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_BATCHES = (1, 2, 4, 8, 16, 32)


class ServerMetrics:
    """Counts requests and what their pool does. It is the pool's observer, and is called for each `Served`."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "offload_requests",
            "Requests answered, by route and status.",
            ["route", "status"],
            registry=self._registry,
        )
        self._refusals = Counter(
            "offload_refusals",
            "Requests that were not served, by status and code of the error.",
            ["status", "code"],
            registry=self._registry,
        )
        self._request_seconds = Histogram(
            "offload_request_seconds",
            "From the head of a request to the end of its answer, of those answered with 2xx.",
            ["route"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._wait_seconds = Histogram(
            "offload_queue_wait_seconds",
            "From the queueing of a request to its start on a worker.",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._service_seconds = Histogram(
            "offload_service_seconds",
            "What a worker took for the requests that it ran together.",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._batch_size = Histogram(
            "offload_batch_size", "Requests that a worker ran together.", buckets=_BATCHES, registry=self._registry
        )
        self._decisions = Counter(
            "offload_scheduler_decisions",
            "What the scheduler did with queued requests: start, or refuse with the code of the error as reason.",
            ["decision", "reason"],
            registry=self._registry,
        )
        self._repeats = Counter(
            "offload_repeats",
            "Requests sent again and not worked on again, by how: joined the first, or its answer remembered.",
            ["how"],
            registry=self._registry,
        )
        self._reloads = Counter(
            "offload_model_reloads",
            "Models loaded beside the one in use, by result: replaced or failed.",
            ["result"],
            registry=self._registry,
        )

    def watch(self, pool: Pool) -> None:
        """Show the pool's state too, as it is when somebody asks."""
        self._registry.register(_PoolState(pool))

    def text(self) -> bytes:
        """Return all of it in Prometheus' text format. To be called on the event loop's thread."""
        return generate_latest(self._registry)

    def __call__(self, served: Served) -> None:
        route = served.route or "other"
        self._requests.labels(route, str(served.status)).inc()
        if served.repeat is not None:
            self._repeats.labels(served.repeat).inc()
        if served.problem is not None:
            self._refusals.labels(str(served.status), served.problem.code).inc()
        elif served.status < 300:
            self._request_seconds.labels(route).observe(served.total_s)

    def reloaded(self, result: str) -> None:
        self._reloads.labels(result).inc()

    def started(self, waits_s: Sequence[float]) -> None:
        self._batch_size.observe(len(waits_s))
        self._decisions.labels("start", "").inc(len(waits_s))
        for wait_s in waits_s:
            self._wait_seconds.observe(wait_s)

    def refused(self, reason: str) -> None:
        self._decisions.labels("refuse", reason).inc()

    def finished(self, service_s: float) -> None:
        self._service_seconds.observe(service_s)


class _PoolState(Collector):
    """Gauges that are read off the pool when they are asked for, so that a request pays nothing for them."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def collect(self) -> Iterator[Metric]:
        taken = self._pool.occupancy()
        for name, text, value in (
            (
                "offload_ready",
                "1 if requests are taken, else 0.",
                self._pool.state == "ready",
            ),
            ("offload_queue_length", "Requests that wait for a worker.", taken.queued),
            ("offload_requests_in_flight", "Requests admitted and not yet ended.", taken.in_flight),
            ("offload_concurrency_limit", "Requests that may wait or run; fewer under overload.", taken.limit),
            ("offload_held_bytes", "Bytes of the bodies in flight.", taken.held_bytes),
            ("offload_workers", "Workers.", taken.workers),
            ("offload_workers_busy", "Workers that have something in hand.", taken.busy_workers),
        ):
            yield GaugeMetricFamily(name, text, value=float(value))
        yield InfoMetricFamily(
            "offload_model",
            "The model that requests start on, and the server's version.",
            value={"model": self._pool.model or "", "version": __version__},
        )
