"""What predicts the time of an upload: the SDK's own estimator, and the usual simple rules beside it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

from benchmarks.prediction.forecast import Empirical, Forecast, Normal, Told
from offload_sdk._profile import reference_profile
from offload_sdk._types import Estimate, ImageInfo, Outcome, Payload, Profile, Snapshot
from offload_sdk.estimate import Prices, RemoteEstimator
from offload_sdk.estimate.pixels import PixelTime

__all__ = ["BOARD_S", "MAKERS", "SDK", "Ewma", "LastValue", "Predictor", "Rfc6298", "Sdk", "Window", "board"]

SDK = "sdk"
BOARD_S = 0.119
_FIRST_S = 0.09
_UNKNOWN = Snapshot(taken_s=0.0)
_SIDE_PX = 256
_LARGEST_BYTES = 1 << 40  # a smaller picture is sent as it is, so that its size is known
# The mean absolute deviation of a normal law is √(2/π) of its standard deviation.
_SD_PER_MEAN_DEVIATION = 1.2533


def board() -> Profile:
    """A device that takes no time to prepare a picture: only the remote time is looked at here."""
    return replace(
        reference_profile("zero_2_w", model="mobilenet_v3_large", threads=4),
        infer_s=BOARD_S,
        preprocess_s=0.0,
        encode_s=0.0,
        decode_s_per_pixel={"": 0.0},
    )


class Predictor(Protocol):
    """Predicts what a request with a picture of `size_bytes` takes, and learns from outcomes and probes."""

    def predict(self, size_bytes: int, now_s: float) -> Forecast: ...

    def learn(self, outcome: Outcome) -> None: ...


class Sdk:
    """`RemoteEstimator` as the SDK makes it, with a calibrated board and nothing known of the link."""

    def __init__(self, payload_bytes: int) -> None:
        decode = PixelTime({"": 0.0}, base_s=1e-6)
        profile = board()
        as_it_is = Payload(side_px=_SIDE_PX, quality=90, expected_bytes=_LARGEST_BYTES)
        self.remote = RemoteEstimator("remote", profile, decode, prices=Prices(), payloads=(as_it_is,))

    def predict(self, size_bytes: int, now_s: float) -> Told:
        return Told(self._estimate(size_bytes, now_s).latency)

    def parts_s(self, size_bytes: int, now_s: float) -> tuple[float, float, float]:
        """Round trip, transfer and server as they are expected."""
        link, estimate = self.remote.link, self._estimate(size_bytes, now_s)
        return link.rtt_s, estimate.payload_bytes * link.s_per_byte, estimate.parts_s["server"]

    def learn(self, outcome: Outcome) -> None:
        self.remote.update(outcome, None, _UNKNOWN)

    def _estimate(self, size_bytes: int, now_s: float) -> Estimate:
        image = ImageInfo(format="JPEG", width=_SIDE_PX, height=_SIDE_PX, encoded_bytes=size_bytes)
        return self.remote.estimate(image, _UNKNOWN, now_s)


class _OfTimes:
    """Looks at the times of uploads alone: not at their sizes, nor at pings. A time-out counts as its time."""

    def learn(self, outcome: Outcome) -> None:
        if outcome.role != "probe":
            self._add(outcome.latency_s)

    def _add(self, seconds: float) -> None:
        raise NotImplementedError


class LastValue(_OfTimes):
    """What was last is next."""

    def __init__(self, payload_bytes: int) -> None:
        self._last_s = _FIRST_S

    def predict(self, size_bytes: int, now_s: float) -> Empirical:
        return Empirical([self._last_s])

    def _add(self, seconds: float) -> None:
        self._last_s = seconds


class Ewma(_OfTimes):
    """Exponentially weighted mean and variance (West 1979, gain 0.3) as a normal law."""

    _GAIN = 0.3

    def __init__(self, payload_bytes: int) -> None:
        self._mean_s, self._variance = _FIRST_S, (0.5 * _FIRST_S) ** 2

    def predict(self, size_bytes: int, now_s: float) -> Normal:
        return Normal(self._mean_s, self._variance**0.5)

    def _add(self, seconds: float) -> None:
        delta = seconds - self._mean_s
        self._mean_s += self._GAIN * delta
        self._variance = (1.0 - self._GAIN) * (self._variance + self._GAIN * delta * delta)


class Rfc6298(_OfTimes):
    """SRTT and RTTVAR of RFC 6298, gains 1/8 and 1/4, the latter read as a normal law's mean deviation."""

    def __init__(self, payload_bytes: int) -> None:
        self._smoothed_s: float | None = None
        self._deviation_s = 0.5 * _FIRST_S

    def predict(self, size_bytes: int, now_s: float) -> Normal:
        mean_s = _FIRST_S if self._smoothed_s is None else self._smoothed_s
        return Normal(mean_s, _SD_PER_MEAN_DEVIATION * self._deviation_s)

    def _add(self, seconds: float) -> None:
        if self._smoothed_s is None:
            self._smoothed_s, self._deviation_s = seconds, 0.5 * seconds
            return
        self._deviation_s += 0.25 * (abs(seconds - self._smoothed_s) - self._deviation_s)
        self._smoothed_s += 0.125 * (seconds - self._smoothed_s)


class Window(_OfTimes):
    """The last twenty times, each as likely as the other."""

    _LENGTH = 20

    def __init__(self, payload_bytes: int) -> None:
        self._times_s: deque[float] = deque([_FIRST_S], maxlen=self._LENGTH)

    def predict(self, size_bytes: int, now_s: float) -> Empirical:
        return Empirical(self._times_s)

    def _add(self, seconds: float) -> None:
        self._times_s.append(seconds)


MAKERS: Mapping[str, Callable[[int], Predictor]] = {
    SDK: Sdk,
    "last": LastValue,
    "ewma": Ewma,
    "rfc_6298": Rfc6298,
    "window_20": Window,
}
