"""Time of a step whose work grows with the pixels of the picture: decoding, resizing. Nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from offload_sdk._types import ImageInfo
from offload_sdk.estimate.affine import AffineFilter

__all__ = ["PixelTime"]

_PRIOR_SD = 0.4  # of the logarithms: a figure from calibration or a reference is within a half or so
_LEAST_S_PER_PIXEL = 1e-12


class PixelTime:
    """Predicts `base_s + pixels · seconds-per-pixel`, both apart for each image format, and learns them.

    `prior` maps a format (`JPEG`, …) to seconds per pixel; its entry `""` serves the others.
    """

    def __init__(self, prior: Mapping[str, float], *, base_s: float) -> None:
        self._prior = dict(prior)
        self._base_s = base_s
        self._filters: dict[str, AffineFilter] = {}
        self._last: tuple[str, int, tuple[float, float]] | None = None  # every option asks for the same picture

    def predict(self, image: ImageInfo) -> tuple[float, float]:
        """Return the mean and the variance of the time, in s and s²."""
        pixels, last = image.width * image.height, self._last
        if last is not None and last[1] == pixels and last[0] == image.format:
            return last[2]
        predicted = self._filter(image.format).predict(pixels, 0.0)
        self._last = (image.format, pixels, predicted)
        return predicted

    def learn(self, image: ImageInfo, seconds: float) -> None:
        self._last = None
        # The clock stands still here: what is known of a codec does not age, only each sample lets it move.
        self._filter(image.format).update(image.pixels, seconds, 0.0)

    def _filter(self, name: str) -> AffineFilter:
        known = self._filters.get(name)
        if known is None:
            per_pixel = max(self._prior.get(name, self._prior.get("", 0.0)), _LEAST_S_PER_PIXEL)
            known = self._filters[name] = AffineFilter(self._base_s, per_pixel, sd=_PRIOR_SD)
        return known
