"""Which payload to send over the link as it is now: seconds of transfer against labels that the coding changes.

Where the image is classified is the policies' business; how large a payload becomes is an estimate's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from offload_sdk._types import Payload

__all__ = ["PayloadChoice"]


class PayloadChoice:
    """Minimise bytes · seconds-per-byte + `seconds_per_error` · (1 − agreement) over the payloads.

    What else an upload takes (connection, round trip, server) is the same for all of them, so it has no part in
    the choice. A payload whose agreement was never measured counts as losing nothing. With a price of 0 bytes
    alone count, and the smallest is always sent.
    """

    def __init__(self, payloads: Sequence[Payload], *, seconds_per_error: float) -> None:
        """`payloads` are the best first: among equals the earlier one is taken."""
        self._losses_s = tuple(
            0.0 if payload.agreement_frac is None else seconds_per_error * (1.0 - payload.agreement_frac)
            for payload in payloads
        )
        self._least_gain_s = min(self._losses_s[1:], default=math.inf) - self._losses_s[0]

    def __call__(self, sizes_bytes: Sequence[float], s_per_byte: float) -> int:
        """Return the place of the one to send; `sizes_bytes` are in the order of the payloads."""
        if sizes_bytes[0] * s_per_byte <= self._least_gain_s:
            return 0  # no other is worth it even if it took no time
        best, least_s = 0, sizes_bytes[0] * s_per_byte + self._losses_s[0]
        for place in range(1, len(sizes_bytes)):
            weight_s = sizes_bytes[place] * s_per_byte + self._losses_s[place]
            if weight_s < least_s:
                best, least_s = place, weight_s
        return best
