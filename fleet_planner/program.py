"""A mixed-integer program as arrays, and a builder that takes it block by block. No meaning, no solver."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from fleet_planner.geography import BoolArray, FloatArray, IntArray

__all__ = ["Builder", "Program"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """Minimise `cost`·x + `offset` with `lower` ≤ x ≤ `upper` and `row_lower` ≤ A·x ≤ `row_upper`.

    A is kept by rows: row i holds `value[start[i]:start[i + 1]]` in the columns `column[start[i]:start[i + 1]]`.
    """

    cost: FloatArray
    lower: FloatArray
    upper: FloatArray
    integer: BoolArray
    row_lower: FloatArray
    row_upper: FloatArray
    start: IntArray
    column: IntArray
    value: FloatArray
    offset: float = 0.0


@dataclass(slots=True)
class Builder:
    """Collects columns and rows; numbers go round as arrays of indices."""

    _columns: list[tuple[FloatArray, FloatArray, FloatArray, BoolArray]] = field(default_factory=list)
    _bounds: list[tuple[FloatArray, FloatArray]] = field(default_factory=list)
    _entries: list[tuple[IntArray, IntArray, FloatArray]] = field(default_factory=list)
    _width: int = 0
    _height: int = 0

    def columns(
        self,
        count: int,
        *,
        cost: FloatArray | float = 0.0,
        lower: FloatArray | float = 0.0,
        upper: FloatArray | float = np.inf,
        integer: bool = False,
    ) -> IntArray:
        """Add columns and return their indices."""
        spread = (np.broadcast_to(np.asarray(each, np.float64), count) for each in (cost, lower, upper))
        self._columns.append((*spread, np.full(count, integer)))  # type: ignore[arg-type]
        self._width += count
        return np.arange(self._width - count, self._width, dtype=np.int32)

    def rows(
        self, count: int, *, lower: FloatArray | float = -np.inf, upper: FloatArray | float = np.inf
    ) -> IntArray:
        """Add empty rows and return their indices."""
        low, high = (np.broadcast_to(np.asarray(each, np.float64), count) for each in (lower, upper))
        self._bounds.append((low, high))
        self._height += count
        return np.arange(self._height - count, self._height, dtype=np.int32)

    def put(self, row: IntArray, column: IntArray, value: FloatArray | float = 1.0) -> None:
        """Add entries; entries at the same place add up."""
        row, column, filled = np.broadcast_arrays(row, column, np.asarray(value, np.float64))
        self._entries.append((row.ravel(), column.ravel(), filled.ravel()))

    def program(self, *, offset: float = 0.0) -> Program:
        """Return what has been added so far."""
        from scipy.sparse import coo_array

        row, column, value = (np.concatenate(each) for each in zip(*self._entries, strict=True))
        matrix = coo_array((value, (row, column)), shape=(self._height, self._width)).tocsr()
        matrix.eliminate_zeros()
        cost, lower, upper, integer = (np.concatenate(each) for each in zip(*self._columns, strict=True))
        row_lower, row_upper = (np.concatenate(each) for each in zip(*self._bounds, strict=True))
        return Program(
            cost=cost,
            lower=lower,
            upper=upper,
            integer=integer,
            row_lower=row_lower,
            row_upper=row_upper,
            start=matrix.indptr.astype(np.int32),
            column=matrix.indices.astype(np.int32),
            value=matrix.data,
            offset=offset,
        )
