"""One parser for both ways to start the server: options, variables, what is inherited, wrong values."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from offload_sdk.errors import ConfigurationError
from server_stub.options import PREFIX, read_settings
from server_stub.settings import ServerSettings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "server.md"


def read(*arguments: str, inherited: dict[str, object] | None = None, **environment: str) -> ServerSettings:
    return read_settings(arguments, environment, prog="serve", inherited=inherited)


def test_without_anything_the_defaults_hold():
    assert read() == ServerSettings()


def test_an_option_beats_a_variable_beats_what_is_inherited():
    settings = read(
        "--port",
        "1",
        inherited={"port": 3, "host": "a", "model": "m"},
        OFFLOAD_SERVER_PORT="2",
        OFFLOAD_SERVER_HOST="b",
    )
    assert (settings.port, settings.host, settings.model) == (1, "b", "m")


def test_every_setting_is_an_option_and_a_variable_of_its_type():
    texts = {int: "7", float: "7.5", str: "text", Path: "/somewhere", tuple: "one, two", bool: "on"}
    for each in fields(ServerSettings):
        kind = next((kind for kind in texts if re.match(rf"{kind.__name__}\b", str(each.type))), None)
        if kind is None:  # one of a few words
            words = get_args(get_type_hints(ServerSettings)[each.name])
            assert [getattr(read(**{PREFIX + each.name.upper(): word}), each.name) for word in words] == [*words]
            continue
        environment = {PREFIX + each.name.upper(): texts[kind]}
        if each.name == "max_inflight_bytes":
            environment[PREFIX + "MAX_BODY_BYTES"] = "5"
        value = getattr(read(**environment), each.name)
        assert isinstance(value, kind), each.name
        if kind is tuple:
            assert value == ("one", "two")
            option = f"--{each.name.replace('_', '-').removesuffix('s')}"
            assert getattr(read(option, "one", option, "two"), each.name) == ("one", "two")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PORT", "tcp://10.0.0.1:80"),
        ("DRAIN_S", "soon"),
        ("WORKERS", "2.5"),
        ("PUBLIC_METRICS", "maybe"),
        ("PORT", "70000"),
    ],
)
def test_a_wrong_variable_is_named(name, text):
    with pytest.raises(ConfigurationError, match=name if text != "70000" else "port"):
        read(**{PREFIX + name: text})


def test_an_empty_variable_counts_as_unset():
    assert read(OFFLOAD_SERVER_PORT=" ").port == ServerSettings().port


@pytest.mark.parametrize("arguments", [["--port", "x"], ["--nonsense"], ["surplus"], ["--po", "1"]])
def test_wrong_usage_is_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        read(*arguments)
    assert end.value.code == 2
    assert "serve: error:" in capsys.readouterr().err


def test_help_tells_every_setting(capsys):
    with pytest.raises(SystemExit) as end:
        read("--help")
    assert end.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    for each in fields(ServerSettings):
        assert str(each.metadata["meaning"])[:40] in shown


def test_the_page_lists_every_setting_with_its_default_and_meaning():
    rows = re.findall(r"^\| `--([a-z-]+)` \| (.+?) \| (.+?) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    expected = []
    for each in fields(ServerSettings):
        many = str(each.type).startswith("tuple")
        option = each.name.replace("_", "-")
        default = each.default
        shown = "" if default is MISSING or default is None or default == () else f"`{default}`"
        expected.append((option.removesuffix("s") if many else option, shown or "—", each.metadata["meaning"]))
    assert rows == expected
