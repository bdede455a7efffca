"""Weighted bills, and the figures that follow from them. Every estimate of a replay is one `Sample`.

Which bills with which weights make an estimate is `estimate`'s; weights may be negative there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from offload_sdk.replay.case import Bill

__all__ = ["FIGURES", "Sample"]

FIGURES = (
    "latency_mean_s",
    "latency_p95_s",
    "late_frac",
    "energy_j",
    "cost_usd",
    "sent_bytes",
    "duplicate_frac",
    "unanswered_frac",
)
"""What is told of a sample, means per image but for the 95th percentile; then comes the share of each option."""

_P95 = 0.95
_LATENCY, _LATE, _TIMED, _ENERGY, _COST, _SENT, _DUPLICATE, _UNANSWERED, _OPTIONS = range(9)

Floats = npt.NDArray[np.float64]


class Sample:
    """Bills of `count` images in the order of the log, each with its image's place and a weight."""

    def __init__(self, entries: Iterable[tuple[int, float, Bill]], count: int, options: Sequence[str]) -> None:
        given = list(entries)
        places = np.array([place for place, _, _ in given], dtype=np.intp)
        weights = np.array([weight for _, weight, _ in given], dtype=np.float64)
        values = np.array([_values(bill, options) for _, _, bill in given], dtype=np.float64)
        values = values.reshape(len(given), _OPTIONS + len(options))
        self._mass = np.bincount(places, weights, count)
        self._sums = np.column_stack([np.bincount(places, weights * column, count) for column in values.T])
        order = np.argsort(values[:, _LATENCY], kind="stable")
        self._ordered_s = values[order, _LATENCY]
        self._ordered_weights, self._ordered_places = weights[order], places[order]

    def figures(self, drawn: npt.NDArray[np.int64] | None = None) -> Floats:
        """Return `FIGURES` and the shares of the options; NaN is unknown.

        `drawn` says how often each image counts, once each by default.
        """
        counts = np.ones(len(self._mass), dtype=np.int64) if drawn is None else drawn
        mass = float(counts @ self._mass)
        if mass <= 0.0:
            return np.full(len(FIGURES) + self._sums.shape[1] - _OPTIONS, np.nan)
        means = (counts @ self._sums) / mass
        late = np.clip(means[_LATE] / means[_TIMED], 0.0, 1.0) if means[_TIMED] > 0.0 else np.nan
        head = [means[_LATENCY], self._quantile_s(counts, _P95), late]
        shares = np.clip(means[_DUPLICATE:], 0.0, 1.0)  # with negative weights a share may come out as -0.01
        return np.concatenate([head, means[_ENERGY:_DUPLICATE], shares])

    def _quantile_s(self, counts: npt.NDArray[np.int64], share: float) -> float:
        """Return the first time at which the weighted distribution function has reached `share`.

        With negative weights it need not rise everywhere; where it first gets there is as good as anywhere.
        """
        running = np.cumsum(self._ordered_weights * counts[self._ordered_places])
        reached = int(np.argmax(running >= share * running[-1]))
        return float(self._ordered_s[reached])


def _values(bill: Bill, options: Sequence[str]) -> list[float]:
    return [
        bill.latency_s,
        float(bill.late or False),
        float(bill.late is not None),
        np.nan if bill.energy_j is None else bill.energy_j,
        bill.cost_usd,
        bill.sent_bytes,
        float(bill.duplicate),
        float(bill.option is None),
        *(float(bill.option == option) for option in options),
    ]
