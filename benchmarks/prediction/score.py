"""How good forecasts were: error, pinball loss, coverage, sharpness, PIT. Arithmetic on arrays alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.prediction.forecast import Forecast

__all__ = ["SHARES", "Score", "coverage", "error", "pinball_s", "pit", "rows_of", "score"]

Floats = npt.NDArray[np.float64]

SHARES = (0.5, 0.9, 0.99)
_BINS = 20
# Columns of a forecast that has been compared with its truth.
_TRUTH, _MEAN, _QUANTILES, _WITHIN = 0, 1, slice(2, 5), 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One predictor on many images. Errors are medians of |foretold − true| / true. `pinball_s`, `coverage` are
    at `SHARES`; `sharpness` is the median of p90 / p50; `pit` are the shares of 20 equal bins, 0.05 each if all
    is calibrated."""

    images: int
    error: float
    mean_error: float
    pinball_s: tuple[float, ...]
    coverage: tuple[float, ...]
    sharpness: float
    pit: tuple[float, ...]


def rows_of(forecasts: Sequence[Forecast], truths_s: Sequence[float]) -> Floats:
    """One row a forecast: the truth, the mean, the quantiles at `SHARES`, the truth's place in the forecast."""
    return np.array(
        [
            (
                truth_s,
                forecast.mean_s,
                *(forecast.quantile_s(share) for share in SHARES),
                forecast.within(truth_s),
            )
            for forecast, truth_s in zip(forecasts, truths_s, strict=True)
        ]
    )


def error(foretold_s: Floats, truth_s: Floats) -> float:
    """The median absolute error as a share of the truth."""
    return float(np.median(np.abs(foretold_s - truth_s) / truth_s))


def pinball_s(quantile_s: Floats, truth_s: Floats, share: float) -> float:
    """The mean loss of a quantile, which the true one minimises (Koenker and Bassett 1978), in seconds."""
    short_s = truth_s - quantile_s
    return float(np.maximum(share * short_s, (share - 1.0) * short_s).mean())


def coverage(quantile_s: Floats, truth_s: Floats) -> float:
    """The share of truths that a quantile is not below."""
    return float((truth_s <= quantile_s).mean())


def pit(within: Floats) -> tuple[float, ...]:
    """The shares of `P(T ≤ truth)` in equal bins: flat if calibrated, ∪ if too narrow, ∩ if too wide."""
    counts, _ = np.histogram(within, bins=_BINS, range=(0.0, 1.0))
    return tuple(float(share) for share in counts / len(within))


def score(rows: Floats) -> Score:
    truth_s, quantiles_s = rows[:, _TRUTH], rows[:, _QUANTILES].T
    return Score(
        images=len(rows),
        error=error(quantiles_s[0], truth_s),
        mean_error=error(rows[:, _MEAN], truth_s),
        pinball_s=tuple(pinball_s(q, truth_s, share) for q, share in zip(quantiles_s, SHARES, strict=True)),
        coverage=tuple(coverage(q, truth_s) for q in quantiles_s),
        sharpness=float(np.median(quantiles_s[1] / quantiles_s[0])),
        pit=pit(rows[:, _WITHIN]),
    )
