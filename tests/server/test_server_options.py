"""One parser for both ways to start the server: options, variables, what is inherited, wrong values."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Literal, get_args, get_origin, get_type_hints

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


def typed_text(hint: object) -> str:
    texts = {int: "7", float: "7.5", str: "text", Path: "/somewhere", bool: "on"}
    parts = [part for part in get_args(hint) if part is not type(None)]
    if get_origin(hint) is Literal:
        return str(parts[0])
    if get_origin(hint) is tuple:
        return "10.0.0.1, 10.0.0.2"
    return texts[parts[0] if parts else hint]


def test_every_setting_is_a_variable_of_its_type():
    hints = get_type_hints(ServerSettings)
    texts = {name: typed_text(hint) for name, hint in hints.items() if name != "cors_origins"}
    settings = read(**{PREFIX + name.upper(): text for name, text in texts.items()})
    for name, text in texts.items():
        value = getattr(settings, name)
        if isinstance(value, tuple):
            assert value == ("10.0.0.1", "10.0.0.2")
        else:
            assert ("on" if value is True else str(value)) == text


def test_every_setting_is_an_option():
    arguments: list[str] = []
    for name, hint in get_type_hints(ServerSettings).items():
        if name == "cors_origins":  # takes other texts: see below
            continue
        option = f"--{name.replace('_', '-')}"
        if get_origin(hint) is tuple:
            option = option.removesuffix("s").replace("proxie", "proxy")
            arguments += [option, "10.0.0.1", option, "10.0.0.2"]
        else:
            arguments += [option] if hint is bool else [option, typed_text(hint)]
    settings = read(*arguments)
    assert settings.trusted_proxies == settings.tokens == ("10.0.0.1", "10.0.0.2")
    assert (settings.port, settings.drain_s, settings.telemetry) == (7, 7.5, True)
    assert settings.tls_key == Path("/somewhere")


@pytest.mark.parametrize(
    "origin", ["*", "https://app.example", "http://localhost:3000", "http://[::1]:8080", "http://10.0.0.1"]
)
def test_an_origin_is_taken_as_a_browser_sends_it(origin):
    assert read("--cors-origin", origin).cors_origins == (origin,)


@pytest.mark.parametrize(
    "origin",
    [
        *("app.example", "10.0.0.1", "null", "https://", "https://app.example/", "https://app.example/page"),
        *("HTTPS://app.example", "https://App.example", "https://app.example:443", "https://*.example"),
        *("https://a@app.example", "https://app.example:x", "https://app.example?q", "ftp://app.example", ""),
    ],
)
def test_an_origin_that_no_browser_sends_is_told(origin):
    with pytest.raises(ConfigurationError, match="https://HOST"):
        read("--cors-origin", origin)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PORT", "tcp://10.0.0.1:80"),
        ("DRAIN_S", "soon"),
        ("WORKERS", "2.5"),
        ("DRAIN_S", "nan"),
        ("BODY_TIMEOUT_S", "inf"),
        ("PUBLIC_METRICS", "maybe"),
        ("PORT", "70000"),
        ("PORT", "99999999999999999999"),
    ],
)
def test_a_wrong_variable_is_named(name, text):
    with pytest.raises(ConfigurationError, match=f"(?i){name}"):
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
        option = each.name.replace("_", "-").replace("proxies", "proxys")
        default = each.default
        shown = "" if default is MISSING or default is None or default == () else f"`{default}`"
        expected.append((option.removesuffix("s") if many else option, shown or "—", each.metadata["meaning"]))
    assert rows == expected
