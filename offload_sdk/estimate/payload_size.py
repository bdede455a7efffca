"""How many bytes the upload of a picture takes before it is coded. Nothing about links or choices."""

from __future__ import annotations

from offload_sdk._types import ImageInfo, Payload
from offload_sdk.estimate.moments import Moments

__all__ = ["PayloadSize"]

_RATIO_SD = 0.4  # of one photograph's size to that of the mean photograph, coded alike
_GAIN = 0.05
_MOST_RATIO = 5.0  # noise takes some four times what a photograph does
_TABLES_BYTES = 700  # what JPEG takes whatever the picture is


class PayloadSize:
    """What a payload takes on average, times a ratio that is learned from this device's own pictures.

    Pictures of much detail are large at every quality, so one ratio serves all payloads. A JPEG that is smaller
    than a payload of it would be is sent as it is: then its size is known.
    """

    def __init__(self) -> None:
        self._ratio = Moments(1.0, _RATIO_SD, gain=_GAIN)

    def predict(self, image: ImageInfo, payload: Payload) -> tuple[float, float]:
        """Return the mean and the variance of the size, in bytes and bytes²."""
        encoded_bytes = image.encoded_bytes
        if encoded_bytes is not None and encoded_bytes <= payload.expected_bytes and image.format == "JPEG":
            return encoded_bytes, 0.0
        usual_bytes = _usual_bytes(image, payload)
        return usual_bytes * self._ratio.mean, usual_bytes * usual_bytes * self._ratio.variance

    def learn(self, image: ImageInfo, payload: Payload, size_bytes: float) -> None:
        """Learn from a picture that was coded as this payload, or was sent as it is, which teaches nothing."""
        if self.predict(image, payload)[1] > 0.0:
            self._ratio.add(min(max(size_bytes / _usual_bytes(image, payload), 0.0), _MOST_RATIO))


def _usual_bytes(image: ImageInfo, payload: Payload) -> float:
    """Return what a photograph takes; one with fewer pixels than the payload is not blown up."""
    share = min(image.width, image.height, payload.side_px) / payload.side_px
    return max(payload.expected_bytes * share * share, _TABLES_BYTES)
