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
_COOLING = ((1.0, 12), (0.3, 12), (0.1, 12), (0.03, 12), (0.01, 12), (0.003, 12), (0.001, 12))
"""Temperatures, in units of the spread of a device's delays, and steps at each."""
_HALVINGS = 40
_STEPS_A_SHIFT = 6
_SAMPLE = 4096
_PAIRS = 20_000_000  # with more, and no row left out, candidates are too few to judge a common move by


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
        temperature_s = temperature * _spread_s(some.delay_s)
        for step in range(steps):
            if step % _STEPS_A_SHIFT == 0 and (left_out or delay_s.size < _PAIRS):
                price = _shifted(some, price, slots, temperature_s, clouds, left_out)
            load = _load(some, price, temperature_s, len(slots), left_out)
            step_s = temperature_s * np.log(np.maximum(load, 1e-9) / np.maximum(slots, 1e-9))
            price = np.where(slots > 0, np.maximum(price + step_s, 0.0), 0.0)
        found = bound(delay_s, slots, price, left_out=left_out)
        if found > best_bound:
            best, best_bound = price, found
    return best


def _shifted(
    some: Candidates, price: FloatArray, slots: IntArray, temperature_s: float, clouds: int, left_out: int
) -> FloatArray:
    """Move the prices of all edge servers that are wanted together, until they get as many rows as they hold.

    Where edge servers are full and clouds far, that is a long way, and balancing would go it in small steps. A
    sample of the rows is enough to see how long.
    """
    every = max(1, len(some.server) // _SAMPLE)
    server, delay_s = some.server[::every], some.delay_s[::every]
    share = len(server) / len(some.server)
    count = len(server) - round(left_out * share)
    load = _load(Candidates(server=server, delay_s=delay_s), price, temperature_s, len(slots), len(server) - count)
    block = (np.arange(len(slots)) < len(slots) - clouds) & ((price > 0.0) | (load > share * slots))
    held = share * float(slots[block].sum())
    weight = -(delay_s + price[server].astype(np.float32)).astype(np.float64) / temperature_s
    inside = _log_sum(np.where(block[server], weight, -np.inf))
    outside = _log_sum(np.where(block[server], -np.inf, weight))

    def taken(shift: float) -> float:
        moved = inside - shift
        both = np.logaddexp(moved, outside)
        kept = _kept(-both, count) if count < len(both) else 1.0
        return float((np.exp(moved - both) * kept).sum())

    low, high = (
        -float(price.max(initial=0.0)) / temperature_s,
        float(delay_s[np.isfinite(delay_s)].max()) / temperature_s,
    )
    for _ in range(_HALVINGS):
        shift = (low + high) / 2
        low, high = (shift, high) if taken(shift) > held else (low, shift)
    return np.where(block, np.maximum(price + shift * temperature_s, 0.0), price)


def _log_sum(weight: FloatArray) -> FloatArray:
    """log Σ exp along rows; -1e9 where there is nothing to add up."""
    top = np.maximum(weight.max(axis=1), -1e9)
    total = np.exp(weight - top[:, None]).sum(axis=1)
    found: FloatArray = top + np.log(np.maximum(total, 1e-300))
    return found


def _priced(delay_s: Float32Array, price: FloatArray) -> Iterator[Float32Array]:
    """Delay + price, piece by piece."""
    narrow = price.astype(np.float32)
    return (delay_s[first : first + ROWS] + narrow for first in range(0, len(delay_s), ROWS))


def _spread_s(delay_s: Float32Array) -> float:
    """The median over rows of how far their candidates lie apart."""
    known = np.where(np.isfinite(delay_s), delay_s, delay_s.min(axis=1, keepdims=True))
    return max(float(np.median(known.std(axis=1))), 1e-9)


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
