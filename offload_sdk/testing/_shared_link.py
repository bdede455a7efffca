"""One serial link that many connections share: who sends next, and when each piece has left.

Pure arithmetic: bytes and times in, departures out. No clock, no sockets, no propagation delay.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

from offload_sdk.testing._trace import LinkTrace

LaneT = TypeVar("LaneT", bound=Hashable)

_PACKET_BYTES = 1460
_MOST_BYTES = 16 * 1024
_QUANTUM_S = 0.002


class SharedLink(Generic[LaneT]):
    """A transmitter at the rate of a trace, taking turns over the lanes that have something to send.

    Each turn is 2 ms of data, at least a packet of 1460 bytes and at most 16 KiB, so that lanes that are
    always ready get equal shares of the rate. A piece leaves when its last byte has been sent. Departures
    follow one another without a gap while there is something to send, however late `advance` is called.
    """

    def __init__(self, trace: LinkTrace, origin_s: float, ratio: float = 1.0) -> None:
        """`origin_s` is the time at which the trace starts; `ratio` multiplies its rate."""
        self._trace = trace
        self._origin_s = origin_s
        self._ratio = ratio
        self._waiting: dict[LaneT, deque[tuple[float, bytes]]] = {}  # in the order of their turns
        self._queued_bytes: dict[LaneT, int] = {}
        self._sending: tuple[LaneT, bytes] | None = None
        self._left_bytes = 0.0  # of the piece being sent, at `_since_s`
        self._since_s = -math.inf
        self.next_s = math.inf
        """When the piece being sent will have left; infinite if there is none, or the link stands still."""

    def offer(self, lane: LaneT, data: bytes, now_s: float) -> None:
        """Queue `data` that arrived `now_s`. An empty `data` marks a place in the stream."""
        self._waiting.setdefault(lane, deque()).append((now_s, data))
        self._queued_bytes[lane] = self._queued_bytes.get(lane, 0) + len(data)
        if self._sending is None:
            self._start_next()

    def queued_bytes(self, lane: LaneT) -> int:
        """What has been offered and has not left."""
        return self._queued_bytes.get(lane, 0)

    def holds(self, lane: LaneT) -> bool:
        """Whether anything of the lane, a mark included, has not left."""
        return lane in self._waiting or (self._sending is not None and self._sending[0] == lane)

    def advance(self, now_s: float) -> Iterator[tuple[LaneT, bytes, float]]:
        """Every piece that has left by `now_s`, in order: lane, bytes, when."""
        while self._sending is not None and self.next_s <= now_s:
            lane, data = self._sending
            left_s = self._since_s = self.next_s
            self._queued_bytes[lane] -= len(data)
            self._start_next()
            yield lane, data, left_s

    def forget(self, lane: LaneT, now_s: float) -> None:
        """Drop what the lane has queued."""
        self._waiting.pop(lane, None)
        self._queued_bytes.pop(lane, None)
        if self._sending is not None and self._sending[0] == lane:
            self._since_s = now_s
            self._start_next()

    def retune(self, trace: LinkTrace, origin_s: float, now_s: float) -> None:
        """Go on at another rate from `now_s`; what has been sent of the current piece stays sent."""
        if self._sending is not None and now_s > self._since_s:
            sent = self._trace.passed_bytes(self._since_s - self._origin_s, now_s - self._origin_s) * self._ratio
            self._left_bytes = max(self._left_bytes - sent, 0.0)
            self._since_s = now_s
        self._trace, self._origin_s = trace, origin_s
        self._schedule()

    def _start_next(self) -> None:
        self._sending = None
        for lane in self._waiting:
            self._send_from(lane)
            break
        self._schedule()

    def _send_from(self, lane: LaneT) -> None:
        queue = self._waiting.pop(lane)
        arrived_s, data = queue.popleft()
        self._since_s = max(self._since_s, arrived_s)
        rate = self._trace.at(self._since_s - self._origin_s).uplink_bytes_per_s * self._ratio
        turn_bytes = int(min(max(rate * _QUANTUM_S, _PACKET_BYTES), _MOST_BYTES))
        if len(data) > turn_bytes:
            queue.appendleft((arrived_s, data[turn_bytes:]))
            data = data[:turn_bytes]
        if queue:
            self._waiting[lane] = queue  # at the end: the others come first
        self._sending, self._left_bytes = (lane, data), float(len(data))

    def _schedule(self) -> None:
        if self._sending is None:
            self.next_s = math.inf
        elif self._left_bytes <= 0.0:
            self.next_s = self._since_s
        elif self._ratio <= 0.0:
            self.next_s = math.inf
        else:
            start_s = self._since_s - self._origin_s
            self.next_s = self._origin_s + self._trace.finish_s(start_s, self._left_bytes / self._ratio)
