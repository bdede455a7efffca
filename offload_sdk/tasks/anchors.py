"""Where the boxes of a single-shot detector start from. Arithmetic only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["CentreAnchors"]

_Values = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CentreAnchors:
    """Anchors that are points: the centres of the cells of a grid for each of `strides`, in pixels of the
    square input of `input_px`; each cell has `per_cell` of them.

    So it is with BlazeFace (arXiv:1907.05047) and its relatives for palms and poses: a raw box is (x, y) of its
    centre as seen from the anchor, width and height, all in pixels of the input.
    """

    input_px: int
    strides: tuple[int, ...]
    per_cell: tuple[int, ...]

    def __post_init__(self) -> None:
        counts = (self.input_px, *self.strides, *self.per_cell)
        if len(self.strides) != len(self.per_cell) or not all(0 < count <= 4096 for count in counts):
            raise ValueError("anchors have as many strides as numbers per cell, each from 1 to 4096")

    def decode(self, raw: _Values) -> _Values:
        """Return boxes of shape (anchors, 4), each (left, top, right, bottom) as shares of the input, for raw ones
        of shape (anchors, 4 or more). Raises `ValueError` if there is another number of them."""
        points = _points(self)
        if raw.ndim != 2 or raw.shape[0] != len(points) or raw.shape[1] < 4:
            raise ValueError(f"boxes of the shape {raw.shape}, where there are {len(points)} anchors")
        centres = points + raw[:, :2] / self.input_px
        halves = raw[:, 2:4] / (2 * self.input_px)
        return np.concatenate((centres - halves, centres + halves), axis=1)


@lru_cache(maxsize=8)
def _points(anchors: CentreAnchors) -> _Values:
    grids = []
    for stride, count in zip(anchors.strides, anchors.per_cell, strict=True):
        cells = -(-anchors.input_px // stride)
        centres = (np.arange(cells) + 0.5) / cells
        y, x = np.meshgrid(centres, centres, indexing="ij")
        grids.append(np.repeat(np.stack((x.ravel(), y.ravel()), axis=1), count, axis=0))
    points: _Values = np.concatenate(grids).astype(np.float32)
    return points
