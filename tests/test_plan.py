"""A device that follows a fleet's plan: which servers it takes from it, and that it then measures and decides."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from offload_kit import images_sent, jpeg, make, until

from offload_sdk import ConfigurationError, OffloadConfig
from offload_sdk.testing import FaultyServer, LinkEmulator, LinkTrace

ROW = {"server": "edge-7", "path": ["edge-7"], "alternatives": ["edge-9", "milan"]}
SERVERS = {
    name: {"url": f"http://127.0.0.1:{port}"} for port, name in enumerate(("edge-7", "edge-9", "milan"), 9001)
}


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings but the test's own."""
    monkeypatch.setenv("OFFLOAD_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def write(folder: Path, assignments: Any, servers: Any = SERVERS, unserved: Any = None) -> Path:
    file = folder / "plan.json"
    file.write_text(json.dumps({"servers": servers, "assignments": assignments, "unserved": unserved or {}}))
    return file


def endpoints(config: OffloadConfig) -> list[tuple[str, str]]:
    return [(endpoint.name, endpoint.url) for endpoint in config.all_endpoints]


def test_the_variables_give_the_servers_in_the_plans_order(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("OFFLOAD_PLAN", str(write(tmp_path, {"camera-3": ROW, "camera-4": {"server": "milan"}})))
    monkeypatch.setenv("OFFLOAD_DEVICE", "camera-3")
    assert endpoints(OffloadConfig()) == [(name, SERVERS[name]["url"]) for name in ("edge-7", "edge-9", "milan")]
    monkeypatch.setenv("OFFLOAD_DEVICE", "camera-4")
    assert endpoints(OffloadConfig()) == [("milan", SERVERS["milan"]["url"])]


def test_a_device_is_called_as_its_host_unless_told(tmp_path: Path) -> None:
    import platform

    assert len(OffloadConfig(plan=write(tmp_path, {platform.node(): ROW})).all_endpoints) == 3


def test_a_device_that_is_not_served_works_alone(tmp_path: Path) -> None:
    plan = write(tmp_path, {}, unserved={"camera": {"reason": "out of range"}})
    assert OffloadConfig(plan=plan, device="camera").all_endpoints == ()
    with pytest.raises(ConfigurationError, match="needs a server"):
        OffloadConfig(plan=plan, device="camera", local=False)


def test_alternatives_without_an_address_are_left_out_and_ids_become_names(tmp_path: Path) -> None:
    servers = {"cloud:1 (Milan)": {"url": "http://m"}, "edge-9": {"url": None}}
    row = {"server": "cloud:1 (Milan)", "alternatives": ["edge-9", "gone"]}
    plan = write(tmp_path, {"camera": row}, servers)
    assert endpoints(OffloadConfig(plan=plan, device="camera")) == [("cloud-1--Milan-", "http://m")]


def test_an_endpoint_of_the_same_name_counts_instead(tmp_path: Path) -> None:
    own = {"name": "edge-9", "url": "https://edge.example.org", "token": "its-own"}
    config = OffloadConfig(plan=write(tmp_path, {"camera": ROW}), device="camera", endpoints=[own], token="common")
    assert [name for name, _ in endpoints(config)] == ["edge-9", "edge-7", "milan"]
    assert [e.token.get_secret_value() for e in config.all_endpoints if e.token] == ["its-own", "common", "common"]
    assert "common" not in repr(config)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "cannot be read"),
        ("[]", "no table `assignments`"),
        ('{"assignments": {}}', "no table `servers`"),
        ('{"assignments": {}, "servers": {}}', "no device 'camera'.*OFFLOAD_DEVICE"),
        ('{"assignments": {}, "servers": {}, "unserved": 3}', "no device 'camera'"),
        ('{"assignments": {"camera": "edge-7"}, "servers": {}}', "in no way known"),
        ('{"assignments": {"camera": {}}, "servers": {}}', "in no way known"),
        ('{"assignments": {"camera": {"server": 7}}, "servers": {}}', "in no way known"),
        ('{"assignments": {"camera": {"server": "e", "alternatives": [{}]}}, "servers": {}}', "in no way known"),
        ('{"assignments": {"camera": {"server": "e"}}, "servers": {}}', "no `url` for the server 'e'"),
        ('{"assignments": {"camera": {"server": "e"}}, "servers": {"e": {"url": "e:80"}}}', "HOST:PORT"),
        ('{"assignments": {"camera": {"server": "local"}}, "servers": {"local": {"url": "http://e"}}}', "'local'"),
        ("[" * 100_000, "cannot be read"),
    ],
)
def test_what_is_no_plan_is_told_in_one_line(text: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=words) as caught:
        OffloadConfig(plan=file, device="camera")
    assert "\n" not in str(caught.value)


def test_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        OffloadConfig(plan=tmp_path / "none.json", device="camera")


def test_among_the_plans_servers_the_quickest_answers_and_another_when_its_link_worsens(tmp_path: Path) -> None:
    names = ("edge-7", "edge-9", "milan")
    with ExitStack() as stack:
        servers = {name: stack.enter_context(FaultyServer()) for name in names}
        links = {
            name: stack.enter_context(LinkEmulator(servers[name].url, LinkTrace.constant(50.0, rtt_ms)))
            for name, rtt_ms in zip(names, (150.0, 5.0, 250.0), strict=True)
        }
        plan = write(tmp_path, {"camera": ROW}, {name: {"url": links[name].url} for name in names})
        device = stack.enter_context(make(tmp_path, plan=plan, device="camera", policy="remote"))

        def answered_by() -> str | None:
            return device.classify(jpeg()).endpoint

        until(lambda: answered_by() == "edge-9", "the planned servers are measured and the nearest is taken")
        links["edge-9"].override(rtt_ms=600.0)
        until(lambda: answered_by() == "edge-7", "the next one takes over when the link worsens")
        links["edge-7"].black_hole(True)
        links["edge-9"].refuse(True)
        until(lambda: answered_by() == "milan", "the last one is left when the others are out of reach")
        assert all(images_sent(server) for server in servers.values())
