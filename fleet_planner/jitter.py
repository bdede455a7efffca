"""The random factor on a hop's delay, U[0.8, 1.2] in the source: by a seed and the names of the hop's two ends.

Not a stream of random numbers: a device that comes, goes or moves leaves everybody else's delays as they were, and
so does the order of a file's rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fleet_planner.geography import FloatArray

__all__ = ["LEAST", "MOST", "jitter", "keys"]

LEAST, MOST = 0.8, 1.2
_Keys: TypeAlias = NDArray[np.uint64]


def keys(ids: Sequence[str], seed: int) -> _Keys:
    """Return a 64-bit number for every name."""
    salt = str(seed).encode()[:16]
    digests = b"".join(blake2b(name.encode(), digest_size=8, key=salt).digest() for name in ids)
    return np.frombuffer(digests, np.uint64)


def jitter(tail: _Keys, head: _Keys) -> FloatArray:
    """Return a factor from 0.8 to 1.2 for each pair of keys: the mixing steps of SplitMix64 on their sum."""
    mixed = tail + head * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    share: FloatArray = (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return LEAST + (MOST - LEAST) * share
