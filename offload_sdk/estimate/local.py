"""Prediction of the local path. Nothing about links or policies."""

from __future__ import annotations

from offload_sdk._types import Estimate, ImageInfo, Latency, Outcome, Profile, Snapshot
from offload_sdk.estimate.energy import local_energy_j
from offload_sdk.estimate.moments import Moments
from offload_sdk.estimate.money import energy_cost_usd
from offload_sdk.estimate.pixels import PixelTime
from offload_sdk.estimate.slowdown import slowdown

__all__ = ["LocalEstimator"]


class LocalEstimator:
    """Predicts decode + preprocess + inference, the last scaled by load and heat.

    What is learned of inference is its time on the idle, cool device: each measured time is divided by the
    slowdown of its moment, each prediction multiplied by that of the present. `decode` is shared with the
    remote options, which decode the same pictures.
    """

    def __init__(self, profile: Profile, decode: PixelTime, *, cores: int, usd_per_kwh: float = 0.0) -> None:
        self._profile = profile
        self._decode = decode
        self._preprocess = PixelTime({"RGB": 2.0e-9, "": 0.0}, base_s=max(profile.preprocess_s, 1e-5))
        self._infer = Moments(profile.infer_s, profile.infer_sd_s, gain=0.2)
        self._cores = cores
        self._usd_per_kwh = usd_per_kwh

    @property
    def infer_s(self) -> float:
        """Seconds of one inference on the idle, cool device, as known by now."""
        return self._infer.mean

    def estimate(self, image: ImageInfo, snapshot: Snapshot, now_s: float) -> Estimate:
        decode_s, decode_var = self._decode.predict(image)
        preprocess_s, preprocess_var = self._preprocess.predict(image)
        factor = self._slowdown(snapshot)
        infer_s = self._infer.mean * factor
        variance = self._infer.variance * factor * factor + decode_var + preprocess_var
        mean_s = decode_s + preprocess_s + infer_s
        energy_j = local_energy_j(self._profile, decode_s + preprocess_s, infer_s)
        return Estimate(
            option="local",
            path="local",
            latency=Latency(mean_s=mean_s, sd_s=variance**0.5),
            energy_j=energy_j,
            energy_source="unknown" if energy_j is None else self._profile.cpu_power_source,
            cost_usd=energy_cost_usd(energy_j, self._usd_per_kwh),
            parts_s={"decode": decode_s, "preprocess": preprocess_s, "infer": infer_s},
        )

    def update(self, outcome: Outcome, image: ImageInfo | None, snapshot: Snapshot) -> None:
        if outcome.status != "success":
            return
        timings = outcome.timings
        if image is not None:
            if "decode" in timings:
                self._decode.learn(image, timings["decode"])
            if "preprocess" in timings:
                self._preprocess.learn(image, timings["preprocess"])
        if "infer" in timings:
            self._infer.add(timings["infer"] / self._slowdown(snapshot))

    def _slowdown(self, snapshot: Snapshot) -> float:
        return slowdown(
            snapshot,
            threads=self._profile.threads,
            cores=self._cores,
            throttled_factor=self._profile.throttled_factor,
        )
