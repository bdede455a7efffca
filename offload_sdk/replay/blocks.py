"""Resampling a series whose neighbours are alike: whole stretches of it, of a length that it says itself.

Pure NumPy on one series; knows neither logs nor policies.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

__all__ = ["block_length", "resamples"]

Floats = npt.NDArray[np.float64]


def block_length(series: Floats) -> int:
    """Return the length of block that suits the mean of this series best.

    The rule of Politis and White (2004) for the circular bootstrap, as corrected by Patton, Politis and White
    (2009): b = (2 G² / D)^⅓ n^⅓ with a flat-top window over the autocovariances.
    """
    count = len(series)
    most = max(1, math.ceil(min(3.0 * math.sqrt(count), count / 3.0)))
    centred = series - series.mean()
    variance = float(centred @ centred) / count
    if count < 4 or float(np.ptp(series)) == 0.0:
        return 1
    lags = min(count - 1, math.ceil(math.sqrt(count)) + max(5, math.ceil(math.log10(count))))
    covariances = np.array([float(centred[: count - lag] @ centred[lag:]) / count for lag in range(lags + 1)])
    run = max(5, math.ceil(math.sqrt(math.log10(count))))
    small = np.abs(covariances[1:] / variance) < 2.0 * math.sqrt(math.log10(count) / count)
    last = next((lag for lag in range(len(small) - run + 1) if small[lag : lag + run].all()), len(small))
    width = min(2 * max(last, 1), lags)
    lag = np.arange(1, width + 1)
    window = np.clip(2.0 * (1.0 - lag / width), 0.0, 1.0)
    weighted = window * covariances[1 : width + 1]
    spectrum = float(covariances[0] + 2.0 * weighted.sum())
    slope = float(2.0 * (lag * weighted).sum())
    if spectrum <= 0.0:
        return 1
    length = (2.0 * slope**2 / (4.0 / 3.0 * spectrum**2)) ** (1.0 / 3.0) * count ** (1.0 / 3.0)
    return int(min(max(1, math.ceil(length)), most))


def resamples(count: int, length: int, times: int, seed: int) -> Iterator[npt.NDArray[np.int64]]:
    """Yield `times` circular block resamples: how often each of `count` places is drawn, `count` in sum."""
    rng = np.random.default_rng(seed)
    whole, rest = divmod(count, length)
    lengths = np.full(whole + (rest > 0), length)
    if rest:
        lengths[-1] = rest
    for _ in range(times):
        starts = rng.integers(count, size=len(lengths))
        edges = np.bincount(starts, minlength=2 * count) - np.bincount(starts + lengths, minlength=2 * count)
        drawn = np.cumsum(edges[: 2 * count])
        yield drawn[:count] + drawn[count:]
