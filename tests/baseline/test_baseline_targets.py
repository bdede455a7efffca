"""What `--target` and `--platform` may say, and which server gets which token."""

from __future__ import annotations

from typing import Any

import pytest

from offload_sdk import OffloadConfig
from offload_sdk.baseline.price import Pricing, parse_platforms, pricing_of
from offload_sdk.baseline.targets import TargetSpec, parse_targets
from offload_sdk.errors import ConfigurationError
from offload_sdk.pricing import platform_for, run_cost_usd

pytestmark = pytest.mark.light

URL = "http://127.0.0.1:8080"


def _parse(*texts: str, **values: Any) -> tuple[TargetSpec, ...]:
    return parse_targets(texts, OffloadConfig(**values))


def _token(spec: TargetSpec) -> str | None:
    assert spec.endpoint is not None
    return None if spec.endpoint.token is None else spec.endpoint.token.get_secret_value()


def test_the_device_a_server_by_address_and_one_by_its_name_in_the_settings() -> None:
    local, fargate, cloud = _parse(
        "local", f"fargate={URL}/", "cloud", endpoints=[{"name": "cloud", "url": "https://example.org"}]
    )
    assert (local.name, local.path, local.url) == ("local", "local", None)
    assert (fargate.name, fargate.path, fargate.url) == ("fargate", "remote", URL)
    assert (cloud.name, cloud.url) == ("cloud", "https://example.org")


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ([], "nothing to measure"),
        (["a=" + URL, "a=http://other"], "two targets are called 'a'"),
        (["local", "local"], "two targets are called 'local'"),
        (["local=" + URL], "'local' is this device and has no address"),
        (["cloud"], "no endpoint of that name in the settings .known: local.; write cloud=URL"),
        (["a="], "not a server's address"),
        (["a=ftp://x"], "not a server's address"),
        (["a=http://x:99999"], "not a server's address"),
        (["=" + URL], "up to 64 letters"),
        (["a b=" + URL], "up to 64 letters"),
        (["a" * 65 + "=" + URL], "up to 64 letters"),
    ],
)
def test_a_wrong_target_is_one_clear_error(texts: list[str], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        _parse(*texts)


@pytest.mark.parametrize("url", ["http://me:secret@host", "http://host/?token=secret", "http://host#secret"])
@pytest.mark.parametrize("name", ["a", "local"])
def test_secrets_in_an_address_are_refused_and_not_repeated(url: str, name: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        _parse(f"{name}={url}")
    assert "secret" not in str(caught.value)


def test_a_token_without_a_server_is_for_the_targets() -> None:
    (spec,) = _parse(f"a={URL}", token="word")
    assert _token(spec) == "word"


def test_the_token_of_a_configured_server_goes_to_no_other() -> None:
    own, other = _parse(f"a={URL}", "b=http://127.0.0.1:9", server_url=URL + "/", token="word")
    assert _token(own) == "word"
    assert _token(other) is None


def test_an_address_that_the_settings_know_brings_its_own_token() -> None:
    endpoints = [{"name": "edge", "url": URL, "token": "own"}]
    (spec,) = _parse(f"a={URL}", token="word", endpoints=endpoints)
    assert (spec.name, _token(spec)) == ("a", "own")


def test_a_server_is_priced_as_named_else_by_its_name_else_as_fargate() -> None:
    local, named, ec2, other = _parse("local", f"a={URL}", f"ec2={URL}", f"box={URL}")
    platforms = parse_platforms(["a=fargate-spot"], ["a", "ec2", "box"])
    assert pricing_of(local, platforms, 0.3) == Pricing(usd_per_kwh=0.3)
    assert pricing_of(named, platforms, 0.0) == Pricing(platform=platform_for("fargate-spot"))
    assert pricing_of(ec2, platforms, 0.0) == Pricing(platform=platform_for("ec2"))
    assert pricing_of(other, platforms, 0.0) == Pricing(platform=platform_for("fargate"), assumed=True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("b=ec2", "'b' is no server among the targets .a."),
        ("local=ec2", "'local' is no server"),
        ("a=moon", "knows no 'moon'; it knows fargate"),
        ("a", "knows no ''"),
    ],
)
def test_a_wrong_platform_is_one_clear_error(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        parse_platforms([text], ["a"])


def test_a_run_costs_the_platforms_time_and_the_devices_energy() -> None:
    platform = platform_for("ec2")
    assert platform is not None
    kwh_j = 3.6e6
    assert Pricing(usd_per_kwh=0.25).cost(100.0, kwh_j) == pytest.approx(0.25)
    assert Pricing(platform=platform).cost(1800.0, None) == pytest.approx(run_cost_usd(platform, 1800.0))
    both = Pricing(platform=platform, usd_per_kwh=0.25).cost(1800.0, kwh_j)
    assert both == pytest.approx(0.25 + run_cost_usd(platform, 1800.0))


def test_an_unknown_energy_that_has_a_price_makes_the_cost_unknown() -> None:
    assert Pricing(usd_per_kwh=0.25).cost(100.0, None) is None
    assert Pricing().cost(100.0, None) == 0.0
