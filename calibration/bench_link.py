"""Times the link to one server: round trips, the opening of a connection, and uploads of a few sizes.

The probes are those of the remote path itself, on its pooled connection, so that what is timed here is what an
image will meet. RTT and seconds per byte are fitted together (time = a + b·bytes): an upload of 16 KB divided by
its time is mostly round trip.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from calibration.plan import Plan
from calibration.statistics import line
from offload_sdk._profile import LinkTiming
from offload_sdk._types import Outcome
from offload_sdk.errors import RemoteError
from offload_sdk.typing import Link

if TYPE_CHECKING:
    from offload_sdk._config import OffloadConfig

__all__ = ["open_link", "time_link"]

_BUDGET_S = 5.0
_FAILURES_IN_A_ROW = 3


@contextmanager
def open_link(url: str, config: OffloadConfig) -> Iterator[tuple[Link, Callable[[], None]]]:
    """Give a link to `url` and what closes its idle connections. A configured endpoint's
    token, CA and protocol are used."""
    from offload_sdk._assembly import protocol_of
    from offload_sdk.execute.exchange import HttpSession
    from offload_sdk.execute.remote import RemoteExecutor

    known = next((e for e in config.all_endpoints if e.url == url.rstrip("/")), None)
    token = config.token if known is None else known.token
    session = HttpSession(
        url.rstrip("/"),
        token=None if token is None else token.get_secret_value(),
        ca_bundle=None if known is None else known.ca_bundle,
        certificate=None if known is None else known.certificate,
        connections=1,
    )
    link = RemoteExecutor(
        "calibration",
        session,
        clock=time.monotonic,
        connect_timeout_s=config.connect_timeout_s,
        protocol=None if known is None else protocol_of(known, None),
    )
    try:
        yield link, session.forget_connections
    finally:
        link.close()


def time_link(link: Link, forget_connections: Callable[[], None], url: str, plan: Plan) -> LinkTiming:
    """Measure the link. Raises `RemoteError` if the server does not answer a ping."""
    cold = []
    for _ in range(plan.cold_pings):
        forget_connections()
        cold += _successes(lambda: link.ping(_BUDGET_S), 1)
    if not cold:
        raise RemoteError(f"{url} does not answer: {link.ping(_BUDGET_S).error or 'no reason given'}")
    pings = _successes(lambda: link.ping(_BUDGET_S), plan.pings)
    if not pings:
        raise RemoteError(f"{url} answered at first and then no more")
    uploads = {
        size: _successes(lambda size=size: link.upload(size, _BUDGET_S), plan.uploads_per_size)  # type: ignore[misc]
        for size in plan.upload_bytes
    }
    connects = [outcome.timings["connect"] for outcome in cold if outcome.timings.get("connect")]
    return LinkTiming(
        url=url,
        rtt_s=statistics.median(outcome.timings["network"] for outcome in pings),
        rtt_samples=len(pings),
        cold_connect_s=statistics.median(connects) if connects else None,
        uplink_bytes_per_s=_uplink([pings, *uploads.values()]),
        upload_samples=sum(len(outcomes) for outcomes in uploads.values()),
    )


def _successes(probe: Callable[[], Outcome], count: int) -> list[Outcome]:
    """Run a probe `count` times; stop early when it only fails."""
    done: list[Outcome] = []
    failures = 0
    for _ in range(count):
        outcome = probe()
        if outcome.status == "success" and outcome.timings.get("network"):
            done.append(outcome)
            failures = 0
        else:
            failures += 1
            if failures >= _FAILURES_IN_A_ROW:
                break
    return done


def _uplink(groups: list[list[Outcome]]) -> float | None:
    """Fit time over bytes through the median of each size; None when larger uploads do not take longer."""
    points = [
        (float(outcomes[0].sent_bytes), statistics.median(outcome.timings["network"] for outcome in outcomes))
        for outcomes in groups
        if outcomes
    ]
    if len({size for size, _ in points}) < 2:
        return None
    _, s_per_byte = line(points)
    return 1.0 / s_per_byte if s_per_byte > 0.0 else None
