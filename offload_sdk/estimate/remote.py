"""Prediction of one endpoint. Nothing about policies, sockets or circuits."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from offload_sdk._latency import Latency, Mode
from offload_sdk._types import Estimate, ImageInfo, Outcome, Payload, Profile, Snapshot
from offload_sdk.estimate.energy import remote_energy_j
from offload_sdk.estimate.link import LinkFilter
from offload_sdk.estimate.moments import Moments
from offload_sdk.estimate.money import Prices, energy_cost_usd, request_cost_usd
from offload_sdk.estimate.payload_size import PayloadSize
from offload_sdk.estimate.pixels import PixelTime
from offload_sdk.estimate.reliability import Reliability

__all__ = ["ChoosePayload", "RemoteEstimator"]

ChoosePayload = Callable[[Sequence[float], float], int]
"""From the bytes of each payload and the link's seconds per byte to the place of the payload to send."""

# Before anything is measured: an ordinary broadband link, with a spread as large as the value.
_PRIOR_RTT_S = 0.06
_PRIOR_BYTES_PER_S = 1.25e6
_PRIOR_SERVER_S = 0.03
_HEADER_BYTES = 500.0
_PAYLOAD = Payload(side_px=256, quality=90, expected_bytes=18_000)
_IDLE_LIMIT_S = 55.0  # load balancers drop an idle connection after 60 s


class RemoteEstimator:
    """Predicts prepare + connect (when cold) + network + server for one endpoint.

    The network part comes from a `LinkFilter`, the server's from what it reports in `Server-Timing`. A
    connection unused for `idle_limit_s` counts as cold; the cost of opening one is learned apart, its prior
    being `handshake_rtts` round trips (1 for TCP, 2 with TLS 1.3). Each prediction is for one of the
    `payloads`, which `choose` picks (without it, the first). A censored outcome, whether its attempt
    failed or was given up because the device had answered, says "longer than" and nothing else of the link.
    Redaction counts with the encoding; without `originals` no file is sent as it is, however small.
    An outcome, a ping's too, whose payload is a tensor's tells that the endpoint takes no other form.
    """

    def __init__(
        self,
        name: str,
        profile: Profile,
        decode: PixelTime,
        *,
        prices: Prices,
        handshake_rtts: float = 1.0,
        payloads: Sequence[Payload] = (_PAYLOAD,),
        choose: ChoosePayload | None = None,
        idle_limit_s: float = _IDLE_LIMIT_S,
        usd_per_kwh: float = 0.0,
        originals: bool = True,
    ) -> None:
        self.name = name
        rtt_s = profile.rtt_s or _PRIOR_RTT_S
        self.link = LinkFilter(
            rtt_s=rtt_s,
            s_per_byte=1.0 / (profile.uplink_bytes_per_s or _PRIOR_BYTES_PER_S),
            sd=0.4 if profile.rtt_s else 0.8,
        )
        self._profile = profile
        self._decode = decode
        self._encode = PixelTime({"RGB": 2.0e-9, "": 0.0}, base_s=max(profile.encode_s, 1e-5))
        self._prices = prices
        self._handshake_rtts = handshake_rtts
        self._connect_ratio = Moments(1.0, 0.5, gain=0.2)  # of the handshake's time to handshake_rtts · RTT
        self._server = Moments(_PRIOR_SERVER_S, _PRIOR_SERVER_S, gain=0.15)
        self._payloads = tuple(payloads)
        self._choose = choose
        self._size = PayloadSize(self._payloads, originals=originals)
        self._reliability = Reliability()
        self._idle_limit_s = idle_limit_s
        self._warm_until_s: float | None = None
        self._usd_per_kwh = usd_per_kwh

    def estimate(self, image: ImageInfo, snapshot: Snapshot, now_s: float) -> Estimate:
        payload, size_bytes, size_var = self._payload_for(image)
        decode_s, decode_var = self._decode.predict(image)
        encode_s, encode_var = self._encode.predict(image)
        connect_s, connect_var = 0.0, 0.0
        if self._warm_until_s is None or now_s > self._warm_until_s:
            handshake_s = self._handshake_rtts * self.link.rtt_s
            connect_s = handshake_s * self._connect_ratio.mean
            connect_var = handshake_s * handshake_s * self._connect_ratio.variance
        prepare_s = decode_s + encode_s
        s_per_byte, server_s = self.link.s_per_byte, self._server.mean
        variance = (
            decode_var + encode_var + connect_var + size_var * s_per_byte * s_per_byte + self._server.variance
        )
        latency = Latency.mixed(
            prepare_s + connect_s + server_s,
            tuple(_widened(mode, variance) for mode in self.link.modes(size_bytes, now_s)),
        )
        network_s = latency.mean_s - latency.offset_s
        send_s = min(network_s, size_bytes * s_per_byte)
        energy_j = remote_energy_j(self._profile, prepare_s, send_s, latency.mean_s - prepare_s - send_s)
        cost_usd = request_cost_usd(self._prices, server_s, size_bytes)
        return Estimate(
            option=self.name,
            path="remote",
            latency=latency,
            energy_j=energy_j,
            energy_source="unknown" if energy_j is None else self._profile.cpu_power_source,
            cost_usd=cost_usd + energy_cost_usd(energy_j, self._usd_per_kwh),
            success_probability=self._reliability.probability(now_s),
            payload=payload,
            payload_bytes=int(size_bytes),
            parts_s={
                "decode": decode_s,
                "encode": encode_s,
                "connect": connect_s,
                "network": network_s,
                "server": server_s,
            },
        )

    def update(self, outcome: Outcome, image: ImageInfo | None, snapshot: Snapshot) -> None:
        ended_s = outcome.started_s + outcome.latency_s
        timings = outcome.timings
        if outcome.censored and "network" in timings:
            waited_s = timings["network"] - self._server.mean
            self.link.longer_than(outcome.sent_bytes, max(waited_s, 0.0), ended_s)
        if outcome.status == "ignored":
            return
        told = outcome.payload
        if told is not None and told.quality is None and self._payloads != (told,):
            self._payloads, self._size = (told,), PayloadSize((told,))  # the endpoint takes nothing else
        if image is not None:
            if "decode" in timings:
                self._decode.learn(image, timings["decode"])
            if "encode" in timings:
                self._encode.learn(image, timings["encode"] + timings.get("redact", 0.0))
            if outcome.sent_bytes:
                payload = outcome.payload or self._payloads[0]
                self._size.learn(image, payload, outcome.sent_bytes - _HEADER_BYTES)
        probe = outcome.role == "probe"
        if outcome.status == "failed":
            self._warm_until_s = None
            if not probe:  # the pings of one outage would count it many times over; the circuit knows of it
                self._reliability.add(False, ended_s)
            self.link.loosen()
            return
        self._reliability.add(True, ended_s)
        self._warm_until_s = ended_s + self._idle_limit_s
        if "connect" in timings:
            handshake_s = max(self._handshake_rtts * self.link.rtt_s, 1e-5)
            self._connect_ratio.add(min(timings["connect"] / handshake_s, 10.0))
        if not probe or "server" in timings:  # a server that reports nothing: the network part holds its time
            self._server.add(timings.get("server", 0.0))
        if "network" in timings:
            self.link.update(outcome.sent_bytes, timings["network"], ended_s)

    def _payload_for(self, image: ImageInfo) -> tuple[Payload, float, float]:
        """Return what to send, and the mean and the variance of the bytes that it takes, headers included."""
        sizes = self._size.predict(image)
        place = 0 if self._choose is None else self._choose(sizes, self.link.s_per_byte)
        payload = self._payloads[place]
        return payload, sizes[place] + _HEADER_BYTES, self._size.variance(image, payload)


def _widened(mode: Mode, variance: float) -> Mode:
    """Return the mode with this much more variance (s²), which comes from what is added to it, and its mean."""
    weight, log_median, log_sd = mode
    before = log_sd * log_sd
    after = math.log1p(math.expm1(before) + variance * math.exp(-2.0 * log_median - before))
    return Mode(weight, log_median + 0.5 * (before - after), math.sqrt(after))
