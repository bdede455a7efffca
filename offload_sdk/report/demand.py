"""What a device asks of a fleet's servers, as its log shows it: measured input of the next plan. Plans nothing.

A server's cores are busy for images per second × seconds of computing an image, whatever their order (Little's
law); dividing by the share of the time that a core may be busy leaves room for queues to stay short.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from offload_sdk._types import Record
from offload_sdk.report.spread import quantile

__all__ = ["Demand", "demand_of"]

_LEAST_SPAN_S = 60.0
"""A few images in a second say nothing of a rate."""
_HARDLY_WAITED = 0.25
"""Servers report queue and computing in one. The quickest quarter of the answers had next to no queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """`images` are all of the log, wherever they were classified: a plan is for what there is to do.

    `images_per_s` is the rate of the busiest window, or of the whole log where that is shorter, but of a minute
    at least. `server_s` is what servers take to compute one image, `upload_bytes` the mean size of a request; both
    None for a device that no server has answered.
    """

    device: str
    images: int
    images_per_s: float
    server_s: float | None
    upload_bytes: float | None

    def cores(self, server_s: float, *, busy_frac: float) -> float:
        """Return the cores that this takes if an image takes `server_s` and a core may be busy for that share."""
        return self.images_per_s * server_s / busy_frac


def demand_of(device: str, records: Iterable[Record], *, window_s: float) -> Demand:
    """Return the demand of one device's log; the records may be in any order. Raises `ValueError` without any."""
    moments_s: list[float] = []
    server_times_s: list[float] = []
    sent_bytes: list[int] = []
    for record in records:
        moments_s.append(record.wall_s)
        for outcome in record.outcomes:
            if outcome.status == "success" and "server" in outcome.timings:
                server_times_s.append(outcome.timings["server"])
                sent_bytes.append(outcome.sent_bytes)
    if not moments_s:
        raise ValueError(f"the log of {device} holds no images")
    moments_s.sort()
    server_times_s.sort()
    span_s = moments_s[-1] - moments_s[0]
    return Demand(
        device=device,
        images=len(moments_s),
        images_per_s=_busiest(moments_s, window_s) / min(window_s, max(span_s, _LEAST_SPAN_S)),
        server_s=quantile(server_times_s, _HARDLY_WAITED) if server_times_s else None,
        upload_bytes=sum(sent_bytes) / len(sent_bytes) if sent_bytes else None,
    )


def _busiest(moments_s: Sequence[float], window_s: float) -> int:
    """Return the most moments that any window of this length holds; they are sorted."""
    first, most = 0, 0
    for last, moment_s in enumerate(moments_s):
        while moments_s[first] <= moment_s - window_s:
            first += 1
        most = max(most, last - first + 1)
    return most
