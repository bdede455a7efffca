"""Where a picture lies in a model's input, and from there back to the picture. Arithmetic only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["WHOLE", "Fit", "View"]

Fit = Literal["crop", "pad", "stretch"]
"""How a picture is put into a model's input: only its central square; whole, between black bars; or whole, each
side scaled by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The part of a model's input that the upright picture fills, in shares 0..1 of the input's width and height.

    What is outside are the bars of `pad`.
    """

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0

    def x(self, input_x: float) -> float:
        """Return a place of the input as a share of the picture's width, 0..1."""
        return min(max((input_x - self.left) / (self.right - self.left), 0.0), 1.0)

    def y(self, input_y: float) -> float:
        """Return a place of the input as a share of the picture's height, 0..1."""
        return min(max((input_y - self.top) / (self.bottom - self.top), 0.0), 1.0)


WHOLE = View()
"""All of the input."""
