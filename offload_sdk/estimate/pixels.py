"""Time of a step whose work grows with the pixels of the picture: decoding, resizing. Nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from offload_sdk._types import ImageInfo
from offload_sdk.estimate.moments import Moments

__all__ = ["PixelTime"]

_PRIOR_SPREAD = 0.4  # one picture of the same size takes this much more or less than another, before learning


class PixelTime:
    """Predicts `base_s + pixels · seconds-per-pixel`, the latter apart for each image format, and learns it.

    What is learned is the ratio of the measured to the predicted time, so that small and large pictures teach
    the same number. `prior` maps a format (`JPEG`, …) to seconds per pixel; its entry `""` serves the others.
    """

    def __init__(self, prior: Mapping[str, float], *, base_s: float) -> None:
        self._prior = dict(prior)
        self._base_s = base_s
        self._ratios: dict[str, Moments] = {}

    def predict(self, image: ImageInfo) -> tuple[float, float]:
        """Return the mean and the variance of the time, in s and s²."""
        nominal_s = self._nominal_s(image)
        ratio = self._ratios.get(image.format)
        if ratio is None:
            return nominal_s, (_PRIOR_SPREAD * nominal_s) ** 2
        return nominal_s * ratio.mean, nominal_s * nominal_s * ratio.variance

    def learn(self, image: ImageInfo, seconds: float) -> None:
        ratio = self._ratios.get(image.format)
        if ratio is None:
            ratio = self._ratios[image.format] = Moments(1.0, _PRIOR_SPREAD)
        ratio.add(seconds / self._nominal_s(image))

    def _nominal_s(self, image: ImageInfo) -> float:
        per_pixel = self._prior.get(image.format)
        if per_pixel is None:
            per_pixel = self._prior.get("", 0.0)
        return self._base_s + per_pixel * image.pixels
