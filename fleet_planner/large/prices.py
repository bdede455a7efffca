"""Prices on servers' slots: a lower bound on the sum of all delays, and a guide to plans near it. Pure.

The slots' limits are relaxed with a price each (Lagrangean relaxation): every device then takes the server of the
least delay + price, and the sum of these minima less prices × slots is below every plan's sum, whatever the
prices. Good prices are found as in Sinkhorn's balancing: with choices softened by a temperature, each price is
moved by temperature × log(load / slots), never below 0, while the temperature falls.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fleet_planner.geography import FloatArray, IntArray
from fleet_planner.large.matrix import ROWS, Float32Array

__all__ = ["Candidates", "bound", "candidates", "prices"]

_CANDIDATES = 32
_COOLING = ((1.0, 12), (0.3, 12), (0.1, 16), (0.03, 16), (0.01, 16))
"""Temperatures, in units of the spread of a device's delays, and steps at each."""
_HALVINGS = 40
_GOLDEN, _PRECISION_S = (5**0.5 - 1) / 2, 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """The few servers of least delay + price for each row; inf where a row has fewer."""

    server: IntArray
    delay_s: Float32Array


def bound(delay_s: Float32Array, slots: IntArray, price: FloatArray, *, left_out: int = 0) -> float:
    """Return what no plan's sum of delays is below that serves all rows but `left_out`.

    Those left out are the ones for whom it saves most.
    """
    least = np.concatenate([part.min(axis=1).astype(np.float64) for part in _priced(delay_s, price)])
    if left_out:
        least = np.partition(least, len(least) - left_out)[: len(least) - left_out]
    # The matrix has 24 bits of precision: take off what rounding may have added.
    return float(least.sum() * (1 - 1e-6) - price @ slots)


def candidates(delay_s: Float32Array, price: FloatArray, clouds: int) -> Candidates:
    """Return the best servers for each row, and in any case the last `clouds` columns, which are far from all."""
    edges = delay_s.shape[1] - clouds
    width = min(_CANDIDATES, edges)
    server = np.empty((len(delay_s), width + clouds), np.int32)
    server[:, width:] = np.arange(edges, edges + clouds)
    done = 0
    for part in _priced(delay_s[:, :edges], price[:edges]):
        if width:
            server[done : done + len(part), :width] = np.argpartition(part, width - 1, axis=1)[:, :width]
        done += len(part)
    return Candidates(server=server, delay_s=np.take_along_axis(delay_s, server, axis=1))


def prices(delay_s: Float32Array, slots: IntArray, *, clouds: int, left_out: int = 0) -> FloatArray:
    """Return prices (seconds a slot) near those of the greatest bound, for plans that leave so many rows out."""
    price = np.zeros(len(slots))
    best, best_bound = price, bound(delay_s, slots, price, left_out=left_out)
    for temperature, steps in _COOLING:
        some = candidates(delay_s, price, clouds)
        spread_s = _spread_s(some.delay_s)
        for _ in range(steps):
            load = _load(some, price, temperature * spread_s, len(slots), left_out)
            step_s = temperature * spread_s * np.log(np.maximum(load, 1e-9) / np.maximum(slots, 1e-9))
            price = np.where(slots > 0, np.maximum(price + step_s, 0.0), 0.0)
        price = _lifted(some, price, slots, clouds, left_out)
        found = bound(delay_s, slots, price, left_out=left_out)
        if found > best_bound:
            best, best_bound = price, found
    return best


def _lifted(some: Candidates, price: FloatArray, slots: IntArray, clouds: int, left_out: int) -> FloatArray:
    """Move the prices of all edge servers together, to the greatest bound that the candidates show.

    Where edge servers are full and clouds far, that is a long way, and balancing would go it in small steps.
    """
    edge = np.arange(len(price)) < len(price) - clouds
    count = len(some.server) - left_out

    def value(lift_s: float) -> float:
        lifted = np.where(edge, np.maximum(price + lift_s, 0.0), price)
        least = (some.delay_s + lifted[some.server].astype(np.float32)).min(axis=1).astype(np.float64)
        return float(np.partition(least, count - 1)[:count].sum() - lifted @ slots)

    finite = some.delay_s[np.isfinite(some.delay_s)]
    low, high = -float(price.max(initial=0.0)), float(finite.max(initial=0.0))
    while high - low > _PRECISION_S:
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        low, high = (low, right) if value(left) >= value(right) else (left, high)
    lift_s = (low + high) / 2
    return np.where(edge, np.maximum(price + lift_s, 0.0), price) if value(lift_s) > value(0.0) else price


def _priced(delay_s: Float32Array, price: FloatArray) -> Iterator[Float32Array]:
    """Delay + price, piece by piece."""
    narrow = price.astype(np.float32)
    return (delay_s[first : first + ROWS] + narrow for first in range(0, len(delay_s), ROWS))


def _spread_s(delay_s: Float32Array) -> float:
    """The mean over rows of how far their candidates lie apart."""
    known = np.where(np.isfinite(delay_s), delay_s, delay_s.min(axis=1, keepdims=True))
    return max(float(known.std(axis=1).mean()), 1e-9)


def _load(some: Candidates, price: FloatArray, temperature_s: float, servers: int, left_out: int) -> FloatArray:
    """Return how many rows each server gets if a row's shares fall with exp(-(delay + price) / temperature).

    Rows are left out softly too, those whose best choice is dearest: a logistic share, with the cut where they are
    as many as there must be.
    """
    priced = some.delay_s + price[some.server].astype(np.float32)
    least = priced.min(axis=1, keepdims=True)
    share = np.exp((least - priced) / np.float32(temperature_s))
    whole = share.sum(axis=1, keepdims=True)
    share /= whole
    if left_out:
        soft = least[:, 0] - temperature_s * np.log(whole[:, 0])
        share *= _kept(soft / temperature_s, len(soft) - left_out)[:, None]
    load: FloatArray = np.bincount(some.server.ravel(), share.ravel(), minlength=servers).astype(np.float64)
    return load


def _kept(value: FloatArray, count: int) -> FloatArray:
    """Return 1 / (1 + exp(value - cut)) with the cut for which these add up to `count`."""
    low, high = float(value.min()) - 40.0, float(value.max()) + 40.0
    for _ in range(_HALVINGS):
        cut = (low + high) / 2
        kept = 1.0 / (1.0 + np.exp(np.clip(value - cut, -80.0, 80.0)))
        low, high = (cut, high) if kept.sum() < count else (low, cut)
    return kept
