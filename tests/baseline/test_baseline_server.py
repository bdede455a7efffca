"""A server as a target: what is sent to it in which form, and that every failure is measured for itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from baseline_kit import images_in
from offload_kit import PATIENCE_S, jpeg
from PIL import Image

from offload_sdk import OffloadConfig
from offload_sdk._config import EndpointConfig
from offload_sdk._types import Snapshot
from offload_sdk.baseline.images import ImageFile
from offload_sdk.baseline.offloading import only
from offload_sdk.baseline.server import PINGS, Server
from offload_sdk.baseline.targets import TargetSpec
from offload_sdk.testing import FakeClock, FaultyServer, ScriptedProbe

Open = Callable[..., Server]
HOME_SETTINGS = {"circuit": {"failures": 2, "cooldown_s": 30.0}, "remote_timeout_s": PATIENCE_S}


@pytest.fixture
def faulty() -> Iterator[FaultyServer]:
    with FaultyServer() as server:
        yield server


@pytest.fixture
def image(tmp_path: Path) -> ImageFile:
    """A photograph's size, with metadata: the SDK's upload of it is another, smaller file."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    Image.effect_noise((900, 700), 60).convert("RGB").save(folder / "a.jpg", quality=95, exif=exif)
    return images_in(folder)["a.jpg"]


@pytest.fixture
def open_server(faulty: FaultyServer) -> Iterator[Open]:
    opened: list[Server] = []

    def make(**values: object) -> Server:
        endpoint = EndpointConfig(name="a", url=faulty.url, token="word")  # type: ignore[arg-type]
        opened.append(
            Server(
                TargetSpec(name="a", endpoint=endpoint),
                ("sdk", "original"),
                OffloadConfig(**{**HOME_SETTINGS, "server_url": "http://127.0.0.1:9", **values}),
                probe=ScriptedProbe([Snapshot(taken_s=0.0)]),
            )
        )
        return opened[-1]

    yield make
    for server in opened:
        server.close()


def test_the_whole_file_goes_as_it_is_and_the_sdks_upload_as_ever(
    open_server: Open, faulty: FaultyServer, image: ImageFile
) -> None:
    server = open_server()
    whole, own = server.run(image, "original"), server.run(image, "sdk")
    first, second = faulty.requests
    assert first.image == image.path.read_bytes()
    assert second.image != first.image
    assert len(second.image or b"") < image.size_bytes / 2
    for reading, request in ((whole, first), (own, second)):
        assert reading.failure is None
        assert reading.outcome is not None
        assert reading.outcome.labels
        assert reading.outcome.sent_bytes > len(request.image or b"")
        assert reading.latency_s >= reading.outcome.latency_s
        assert request.headers["authorization"] == "Bearer word"


def test_it_is_asked_whether_it_is_well_before_anything_is_sent(open_server: Open, faulty: FaultyServer) -> None:
    server = open_server()
    assert not faulty.requests
    assert server.check() is None
    assert [request.path for request in faulty.requests] == ["/"] * PINGS + ["/analyze"]
    link = server.link()
    assert link["samples"] >= PINGS
    assert 0.0 < link["rtt_s"] < PATIENCE_S


@pytest.mark.parametrize(("fault", "words"), [("http_503", "busy"), ("reset", "broke"), ("garbage", "")])
def test_what_is_wrong_is_told(open_server: Open, faulty: FaultyServer, fault: str, words: str) -> None:
    faulty.fail(fault)  # type: ignore[arg-type]
    problem = open_server().check()
    assert problem is not None
    assert words in problem


@pytest.mark.parametrize("payload", ["sdk", "original"])
def test_every_failure_is_an_attempt_of_its_own(
    open_server: Open, faulty: FaultyServer, image: ImageFile, payload: str
) -> None:
    """The circuit opens after two failures, for half a minute; what is measured meets it closed."""
    server = open_server()
    faulty.fail("http_503", times=6)
    readings = [server.run(image, payload) for _ in range(8)]  # type: ignore[arg-type]
    assert [reading.failure for reading in readings] == ["refused"] * 6 + [None] * 2
    assert len(faulty.requests) == 8


@pytest.mark.parametrize("payload", ["sdk", "original"])
def test_a_server_that_is_silent_is_given_up_after_the_time_that_the_settings_allow(
    open_server: Open, faulty: FaultyServer, image: ImageFile, payload: str
) -> None:
    server = open_server(remote_timeout_s=0.2)
    faulty.fail("black_hole")
    reading = server.run(image, payload)  # type: ignore[arg-type]
    assert reading.failure == "timeout"
    assert 0.2 <= reading.latency_s < PATIENCE_S


def test_an_image_that_cannot_be_decoded_is_a_failure_of_the_image(
    open_server: Open, faulty: FaultyServer, tmp_path: Path
) -> None:
    folder = tmp_path / "torn"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(jpeg(1, 900)[:3000])
    torn = images_in(folder)["a.jpg"]
    server = open_server()
    assert server.run(torn, "sdk").failure == "input"
    assert server.run(torn, "original").failure is None  # this server looks at no picture


def test_a_deadline_and_a_signal_too_weak_in_the_settings_do_not_touch_it(
    open_server: Open, faulty: FaultyServer, image: ImageFile
) -> None:
    server = open_server(deadline_s=1e-4, auto={"signal_threshold_dbm": 0.0})
    assert server.run(image, "sdk").failure is None


def test_the_servers_of_a_plan_in_the_settings_are_not_measured(
    open_server: Open, faulty: FaultyServer, image: ImageFile, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.json"
    servers = {"edge": {"url": "http://127.0.0.1:9"}}
    plan.write_text(json.dumps({"servers": servers, "assignments": {"camera": {"server": "edge"}}}))
    server = open_server(plan=plan, device="camera")
    assert server.check() is None
    assert server.run(image, "sdk").failure is None
    assert server.link()["rtt_s"] > 0.0
    assert only(OffloadConfig(plan=plan, device="camera"), None).all_endpoints == ()


def test_nothing_is_kept_in_the_users_log(open_server: Open, image: ImageFile) -> None:
    config = OffloadConfig()
    open_server().run(image, "sdk")
    assert not config.log_path.exists()


def test_it_is_waited_for_until_it_answers_and_not_for_ever(faulty: FaultyServer) -> None:
    clock = FakeClock()
    endpoint = EndpointConfig(name="a", url=faulty.url)
    server = Server(
        TargetSpec(name="a", endpoint=endpoint),
        ("sdk",),
        OffloadConfig(**HOME_SETTINGS),
        probe=ScriptedProbe([Snapshot(taken_s=0.0)]),
        clock=clock,
        sleep=clock.advance,
    )
    try:
        faulty.fail("http_503", times=20)
        assert server.recover()
        assert 15.0 < clock() < 25.0
        faulty.fail("http_503")
        assert not server.recover()
        assert 75.0 < clock() < 95.0
    finally:
        server.close()


def test_an_answer_tells_of_server_and_model(open_server: Open, faulty: FaultyServer, image: ImageFile) -> None:
    reading = open_server().run(image, "sdk")
    assert reading.outcome is not None
    assert reading.outcome.model == json.loads('"faulty"')
