"""When the cloud wins: the SDK's law of a request's time set against the device's, solved for what may vary. Pure.

A request takes preparing + connecting + round trip + bytes · seconds-per-byte + server, as `estimate.link` and
`estimate.remote` have it; the device takes decoding + preprocessing + inference, as `estimate.local` has it. Every
part is affine in the size of the image's file, so each question has a closed answer. What the estimators add for
what they do not know yet is left out: the curves are those of a link that is known.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from offload_sdk.baseline.measurement import PayloadKind

__all__ = ["Affine", "Board", "Cloud", "SizeBreak"]

_RATE_STEP = 1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Affine:
    """`fixed` + `per_byte` · bytes of the image's file."""

    fixed: float
    per_byte: float = 0.0

    def at(self, size_bytes: float) -> float:
        return self.fixed + self.per_byte * size_bytes

    def __add__(self, other: Affine) -> Affine:
        return Affine(fixed=self.fixed + other.fixed, per_byte=self.per_byte + other.per_byte)

    def __sub__(self, other: Affine) -> Affine:
        return Affine(fixed=self.fixed - other.fixed, per_byte=self.per_byte - other.per_byte)

    def __mul__(self, factor: float) -> Affine:
        return Affine(fixed=self.fixed * factor, per_byte=self.per_byte * factor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A device: seconds to classify an image itself, and to prepare the SDK's payload of it."""

    name: str
    local_s: Affine
    prepare_s: Affine


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeBreak:
    """The cloud wins for files `below` or `above` this size; 0 or infinite bytes where it wins for all or none."""

    side: Literal["below", "above"]
    size_bytes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """A server, given images in one form. `sent_bytes` are those of a request at so many seconds a byte."""

    payload: PayloadKind
    sent_bytes: Callable[[float], Affine]
    server_s: Affine

    def seconds(self, board: Board, size_bytes: float, rtt_s: float, bytes_per_s: float) -> float:
        """Return the time of an image over an open connection."""
        return rtt_s + self._besides_rtt(board, bytes_per_s).at(size_bytes)

    def rtt_s(self, board: Board, size_bytes: float, bytes_per_s: float) -> float | None:
        """Return the round trip below which the cloud is faster; None if it never is."""
        left_s = (board.local_s - self._besides_rtt(board, bytes_per_s)).at(size_bytes)
        return left_s if left_s > 0.0 else None

    def bytes_per_s(self, board: Board, size_bytes: float, rtt_s: float) -> float | None:
        """Return the rate above which the cloud is faster; None if it never is.

        A faster link may be given a larger form and then take longer, so there may be several such rates: this
        is the highest, sought downwards by steps and closed in by halving.
        """
        fast, least = 1e12, 1.0

        def wins(rate: float) -> bool:
            return self.seconds(board, size_bytes, rtt_s, rate) < board.local_s.at(size_bytes)

        if not wins(fast):
            return None
        while fast > least and wins(fast / _RATE_STEP):
            fast /= _RATE_STEP
        slow = fast / _RATE_STEP
        while fast > 1.001 * slow:
            middle = math.sqrt(slow * fast)
            slow, fast = (slow, middle) if wins(middle) else (middle, fast)
        return fast

    def size(self, board: Board, rtt_s: float, bytes_per_s: float) -> SizeBreak:
        """Return the files for which the cloud is faster."""
        gain = board.local_s - self._besides_rtt(board, bytes_per_s)
        at_nothing_s = gain.fixed - rtt_s
        if gain.per_byte < 0.0:
            return SizeBreak(side="below", size_bytes=max(at_nothing_s / -gain.per_byte, 0.0))
        if at_nothing_s > 0.0:
            return SizeBreak(side="above", size_bytes=0.0)
        return SizeBreak(side="above", size_bytes=-at_nothing_s / gain.per_byte if gain.per_byte else math.inf)

    def _besides_rtt(self, board: Board, bytes_per_s: float) -> Affine:
        transfer_s = self.sent_bytes(1.0 / bytes_per_s) * (1.0 / bytes_per_s)
        prepare_s = board.prepare_s if self.payload == "sdk" else Affine(fixed=0.0)
        return prepare_s + transfer_s + self.server_s
