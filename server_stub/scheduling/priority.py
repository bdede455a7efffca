"""How urgent a context is, by S2's prediction table and a linear regression over it: (2) to (10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["PriorityModel", "bias", "context_values", "fit", "levels", "prediction_table"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorityModel:
    """P = b_0 + Σ b_j η_j, with b_j for battery, signal and limit. Lower is served first."""

    intercept: float
    weights: tuple[float, ...]
    r_squared: float

    def priority(self, scaled: Array) -> Array:
        """Return P for each row of η: (10)."""
        values: Array = self.intercept + scaled @ np.array(self.weights)
        return values


def levels(count: int) -> Array:
    """Return L = {z γ, z = 0 … α - 1} with the step γ = 1 / (α - 1), where α is `count`, at least 2: (2), (3)."""
    if count < 2:
        raise ValueError(f"a context needs at least 2 levels, not {count}")
    return np.linspace(0.0, 1.0, count, dtype=np.float64)


def prediction_table(counts: Sequence[int]) -> Array:
    """Return F = L_1 × L_2 × …: all combinations μ of levels, one a row: (4)."""
    axes = np.meshgrid(*(levels(count) for count in counts), indexing="ij")
    return np.stack([axis.ravel() for axis in axes], axis=1)


def bias(table: Array, kappas: Sequence[float]) -> Array:
    """Return θ for each entry of the table, one to one with its level: θ_{i,j} = j κ_i γ_i = κ_i L_{i,j}: (6).

    The source leaves the values open.
    """
    biases: Array = table * np.array(kappas)
    return biases


def context_values(table: Array, kappas: Sequence[float]) -> Array:
    """Return δ(μ) for each row: its lowest level q = min(μ) (5) plus each bias (7), the mean over contexts (8)."""
    lowest = table.min(axis=1, keepdims=True)
    mean: Array = (lowest + bias(table, kappas)).mean(axis=1)
    return mean


def fit(counts: Sequence[int] = (3, 3, 3), kappas: Sequence[float] = (0.0, 0.0, 1.0)) -> PriorityModel:
    """Return the ordinary least squares of δ on the levels: (9), (10).

    `counts` are the α of battery, signal and limit, `kappas` their κ: the limit weighs most, as in the source.
    """
    table = prediction_table(counts)
    values = context_values(table, kappas)
    design = np.column_stack([np.ones(len(table)), table])
    solution = np.linalg.lstsq(design, values, rcond=None)[0]
    residual = values - design @ solution
    spread = values - values.mean()
    return PriorityModel(
        intercept=float(solution[0]),
        weights=tuple(float(weight) for weight in solution[1:]),
        r_squared=1.0 - float(residual @ residual) / float(spread @ spread),
    )
