"""How many bytes the upload of a picture takes before it is coded. Nothing about links or choices."""

from __future__ import annotations

from collections.abc import Sequence

from offload_sdk._types import ImageInfo, Payload
from offload_sdk.estimate.moments import Moments

__all__ = ["PayloadSize"]

_RATIO_SD = 0.4  # of photographs' sizes to their mean; `python -m benchmarks.payload` prints it
_TENSOR_SD = 0.07  # of what pixels take as JSON; raw bytes are always as many
_GAIN = 0.05
_MOST_RATIO = 5.0  # noise takes some four times what a photograph does
_TABLES_BYTES = 700  # what JPEG takes whatever the picture is


class PayloadSize:
    """What each payload takes on average, times a ratio that is learned from this device's own pictures.

    Pictures of much detail are large in every form, so one ratio serves all payloads. With `originals` a JPEG that
    is smaller than a payload of it would be is sent as it is: then its size is known. Pixels as they are take the
    same always.
    """

    def __init__(self, payloads: Sequence[Payload], *, originals: bool = True) -> None:
        self._originals = originals
        self._payloads = tuple(payloads)
        self._expected = [payload.expected_bytes for payload in payloads]
        self._most_bytes = max(self._expected)
        self._most_px = max(payload.side_px for payload in payloads)
        sd = _RATIO_SD if all(payload.quality for payload in payloads) else _TENSOR_SD
        self._ratio = Moments(1.0, sd, gain=_GAIN)

    def predict(self, image: ImageInfo) -> list[float]:
        """Return the mean size in bytes of each payload, in their order."""
        ratio, encoded_bytes = self._ratio.mean, image.encoded_bytes
        if encoded_bytes is None or encoded_bytes > self._most_bytes:
            px = self._most_px
            if image.width >= px and image.height >= px:  # nearly every picture, and there is no time to lose
                return [ratio * size for size in self._expected]
        return [
            float(encoded_bytes or 0) if self._as_it_is(image, payload) else ratio * _usual_bytes(image, payload)
            for payload in self._payloads
        ]

    def variance(self, image: ImageInfo, payload: Payload) -> float:
        """Return the variance of the size in bytes²; 0 if it is known."""
        if self._as_it_is(image, payload):
            return 0.0
        usual_bytes = _usual_bytes(image, payload)
        return usual_bytes * usual_bytes * self._ratio.variance

    def learn(self, image: ImageInfo, payload: Payload, size_bytes: float) -> None:
        """Learn from a picture that was coded as this payload, or was sent as it is, which teaches nothing."""
        if not self._as_it_is(image, payload):
            self._ratio.add(min(max(size_bytes / _usual_bytes(image, payload), 0.0), _MOST_RATIO))

    def _as_it_is(self, image: ImageInfo, payload: Payload) -> bool:
        size = image.encoded_bytes
        return (
            self._originals
            and payload.quality is not None
            and size is not None
            and size <= payload.expected_bytes
            and image.format == "JPEG"
        )


def _usual_bytes(image: ImageInfo, payload: Payload) -> float:
    """Return what a photograph takes; one with fewer pixels than the payload is blown up only for a tensor."""
    if payload.quality is None:
        return payload.expected_bytes
    share = min(image.width, image.height, payload.side_px) / payload.side_px
    return max(payload.expected_bytes * share * share, _TABLES_BYTES)
