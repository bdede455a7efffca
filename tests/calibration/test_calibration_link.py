"""The link benchmark: arithmetic on a scripted link, then a real server behind an emulated one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from calibration.bench_link import open_link, time_link
from calibration.plan import QUICK
from offload_sdk._config import EndpointConfig, OffloadConfig
from offload_sdk._types import Outcome
from offload_sdk.errors import RemoteError
from offload_sdk.testing import FaultyServer, LinkEmulator


@dataclass
class ScriptedLink:
    """Takes `rtt_s` plus bytes times `s_per_byte`; `fails` says which of ping and upload do."""

    rtt_s: float = 0.030
    s_per_byte: float = 2e-6
    fails: tuple[str, ...] = ()
    cold: bool = True
    asked: list[str] = field(default_factory=list)

    def forget(self) -> None:
        self.cold = True

    def ping(self, budget_s: float) -> Outcome:
        return self._outcome("ping", 120)

    def upload(self, size_bytes: int, budget_s: float) -> Outcome:
        return self._outcome("upload", size_bytes + 400)

    def _outcome(self, kind: str, sent_bytes: int) -> Outcome:
        self.asked.append(kind)
        if kind in self.fails:
            return Outcome(
                option="calibration",
                path="remote",
                status="failed",
                role="probe",
                started_s=0.0,
                latency_s=5.0,
                error_kind="timeout",
                error="no answer within 5000 ms",
            )
        timings = {"network": self.rtt_s + sent_bytes * self.s_per_byte}
        if self.cold:
            timings["connect"] = self.rtt_s
        cold, self.cold = self.cold, False
        return Outcome(
            option="calibration",
            path="remote",
            status="success",
            role="probe",
            started_s=0.0,
            latency_s=sum(timings.values()),
            timings=timings,
            cold=cold,
            sent_bytes=sent_bytes,
        )


@pytest.mark.light
def test_figures_of_a_steady_link() -> None:
    link = ScriptedLink()
    timing = time_link(link, link.forget, "http://server", QUICK)
    assert timing.rtt_s == pytest.approx(0.030, rel=0.01)
    assert timing.uplink_bytes_per_s == pytest.approx(500_000.0)
    assert timing.cold_connect_s == pytest.approx(0.030)
    assert timing.rtt_samples == QUICK.pings
    assert timing.upload_samples == len(QUICK.upload_bytes) * QUICK.uploads_per_size


@pytest.mark.light
def test_a_server_that_takes_no_uploads_still_has_a_round_trip() -> None:
    link = ScriptedLink(fails=("upload",))
    timing = time_link(link, link.forget, "http://server", QUICK)
    assert timing.uplink_bytes_per_s is None
    assert timing.upload_samples == 0
    assert timing.rtt_s > 0.0
    assert link.asked.count("upload") <= 3 * len(QUICK.upload_bytes)


@pytest.mark.light
def test_a_link_too_fast_to_time_has_no_rate() -> None:
    link = ScriptedLink(s_per_byte=0.0)
    assert time_link(link, link.forget, "http://server", QUICK).uplink_bytes_per_s is None


@pytest.mark.light
def test_a_dead_server_is_an_error_that_says_why_and_soon() -> None:
    link = ScriptedLink(fails=("ping", "upload"))
    with pytest.raises(RemoteError, match="http://server does not answer: no answer within"):
        time_link(link, link.forget, "http://server", QUICK)
    assert len(link.asked) <= 4


def test_a_real_server_behind_an_emulated_link() -> None:
    with (
        FaultyServer() as server,
        LinkEmulator(server.url, uplink_mbps=4.0, rtt_ms=40.0) as emulated,
        open_link(emulated.url, OffloadConfig()) as (link, forget),
    ):
        timing = time_link(link, forget, emulated.url, QUICK)
    # Generous: the machine that runs this may be busy.
    assert 0.035 <= timing.rtt_s <= 0.120
    assert timing.uplink_bytes_per_s is not None
    assert 250_000 <= timing.uplink_bytes_per_s <= 750_000


def authorisations(configure: Callable[[str], OffloadConfig]) -> set[str | None]:
    with FaultyServer() as server:
        with open_link(server.url + "/", configure(server.url)) as (link, _):
            assert link.ping(5.0).status == "success"
            assert link.upload(4096, 5.0).status == "success"
        return {
            next((v for k, v in request.headers.items() if k.lower() == "authorization"), None)
            for request in server.requests
        }


def test_a_configured_endpoints_token_is_sent() -> None:
    def configure(url: str) -> OffloadConfig:
        return OffloadConfig(endpoints=(EndpointConfig(url=url, name="edge", token="secret"),))  # type: ignore[arg-type]

    assert authorisations(configure) == {"Bearer secret"}
    assert authorisations(lambda url: OffloadConfig(token="other")) == {"Bearer other"}  # type: ignore[arg-type]
    assert authorisations(lambda url: OffloadConfig()) == {None}
