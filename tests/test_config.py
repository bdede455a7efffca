"""Where settings come from and in which order, what is refused and in what words, and that tokens stay secret."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from offload_sdk import ConfigurationError, EndpointConfig, OffloadConfig, OffloadError
from offload_sdk._config import default_home, unknown_variables

pytestmark = pytest.mark.light

SECRET = "s3cr3t-t0ken-value"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("OFFLOAD_HOME", str(folder))
    return folder


@pytest.fixture
def cwd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cwd"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def refusal(**values: object) -> str:
    with pytest.raises(ConfigurationError) as caught:
        OffloadConfig(**values)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, OffloadError)
    message = str(caught.value)
    assert "\n" not in message
    assert "pydantic" not in message
    return message


# Order of the sources


def test_defaults(home: Path, cwd: Path) -> None:
    config = OffloadConfig()
    assert (config.policy, config.model, config.local, config.deadline_s) == ("auto", "auto", True, None)
    assert config.all_endpoints == ()
    assert config.home == home
    assert config.log_path.parent == home
    assert config.models_dir == home / "models"
    assert config.profile_path == home / "profile.json"


def test_code_over_environment_over_file_over_default(home: Path, cwd: Path, monkeypatch) -> None:
    (home / "offload.toml").write_text('policy = "energy"\n')
    assert OffloadConfig().policy == "energy"
    (cwd / "offload.toml").write_text('policy = "cost"\n')
    assert OffloadConfig().policy == "cost"
    monkeypatch.setenv("OFFLOAD_POLICY", "latency")
    assert OffloadConfig().policy == "latency"
    assert OffloadConfig(policy="local").policy == "local"


def test_the_file_of_the_working_directory_hides_the_one_at_home(home: Path, cwd: Path) -> None:
    (home / "offload.toml").write_text('policy = "energy"\nmodel = "a.tflite"\n')
    (cwd / "offload.toml").write_text('policy = "cost"\n')
    config = OffloadConfig()
    assert (config.policy, config.model) == ("cost", "auto")


def test_each_setting_is_taken_from_the_highest_source_that_has_it(home: Path, cwd: Path, monkeypatch) -> None:
    (cwd / "offload.toml").write_text(
        "deadline_s = 1.0\n[log]\nshadow_rate = 0.1\nmax_age_days = 7.0\n[circuit]\nfailures = 9\n"
    )
    monkeypatch.setenv("OFFLOAD_LOG__SHADOW_RATE", "0.25")
    config = OffloadConfig(seed=3)
    assert (config.seed, config.deadline_s) == (3, 1.0)
    assert (config.log.shadow_rate, config.log.max_age_days) == (0.25, 7.0)
    assert config.circuit.failures == 9


def test_environment_variables_of_groups_and_of_lists(home: Path, cwd: Path, monkeypatch) -> None:
    monkeypatch.setenv("OFFLOAD_AUTO__BATTERY_THRESHOLD_FRAC", "0.3")
    monkeypatch.setenv("OFFLOAD_PROBE__ENABLED", "false")
    monkeypatch.setenv("OFFLOAD_ENDPOINTS", json.dumps([{"name": "edge", "url": "http://edge:8000"}]))
    monkeypatch.setenv("OFFLOAD_LOCAL", "0")
    config = OffloadConfig()
    assert config.auto.battery_threshold_frac == 0.3
    assert config.probe.enabled is False
    assert config.local is False
    assert [(e.name, e.url) for e in config.all_endpoints] == [("edge", "http://edge:8000")]


def test_an_empty_variable_counts_as_unset(home: Path, cwd: Path, monkeypatch) -> None:
    for name in ("OFFLOAD_SERVER_URL", "OFFLOAD_POLICY", "OFFLOAD_DEADLINE_S", "OFFLOAD_TOKEN"):
        monkeypatch.setenv(name, "")
    config = OffloadConfig()
    assert (config.server_url, config.policy, config.deadline_s, config.token) == (None, "auto", None, None)


def test_home_may_begin_with_a_tilde(cwd: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("OFFLOAD_HOME", "~/state")  # as a service file, which no shell expands, would set it
    assert default_home() == tmp_path / "state"
    assert OffloadConfig().home == tmp_path / "state"
    assert OffloadConfig(home="~/other").home == tmp_path / "other"
    assert OffloadConfig(log={"path": "~/my.sqlite3"}).log_path == tmp_path / "my.sqlite3"


def test_without_a_home_the_platforms_user_data_folder_is_taken(cwd: Path, monkeypatch) -> None:
    monkeypatch.delenv("OFFLOAD_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(cwd))
    config = OffloadConfig()
    assert config.home.name == "offload-sdk"
    assert config.home == default_home()


# Endpoints


def test_the_server_url_comes_first_and_keeps_the_token_to_itself() -> None:
    config = OffloadConfig(
        server_url="http://near:8000/",
        token=SECRET,
        endpoints=[
            {"name": "cloud", "url": "https://far", "token": "own", "usd_per_request": 1e-5},
            {"name": "edge", "url": "http://edge:1"},
        ],
    )
    endpoints = config.all_endpoints
    assert [e.name for e in endpoints] == ["remote", "cloud", "edge"]
    assert endpoints[0].url == "http://near:8000"
    assert [e.token.get_secret_value() for e in endpoints if e.token] == [SECRET, "own"]
    alone = OffloadConfig(token=SECRET, endpoints=[{"name": "edge", "url": "http://edge:1"}]).all_endpoints
    assert [e.token.get_secret_value() for e in alone if e.token] == [SECRET]
    assert endpoints[1].usd_per_request == 1e-5


def test_endpoints_of_a_file(home: Path, cwd: Path) -> None:
    (cwd / "offload.toml").write_text(
        '[[endpoints]]\nname = "edge"\nurl = "http://10.0.0.2:8000"\n'
        '[[endpoints]]\nname = "cloud"\nurl = "https://cloud.example"\nusd_per_server_hour = 0.4\n'
    )
    first, second = OffloadConfig().all_endpoints
    assert (first.name, first.usd_per_server_hour, second.name, second.usd_per_server_hour) == (
        *("edge", 0.0),
        *("cloud", 0.4),
    )


def test_an_endpoint_made_in_code_may_be_passed_as_an_object() -> None:
    edge = EndpointConfig(name="edge", url="http://edge:1")
    assert OffloadConfig(endpoints=[edge]).all_endpoints == (edge,)


# What is refused


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({"policy": "fastest"}, ["policy", "OFFLOAD_POLICY", "'latency'"]),
        ({"deadline_s": 0}, ["deadline_s", "OFFLOAD_DEADLINE_S"]),
        ({"deadline_s": -1.0}, ["deadline_s"]),
        ({"deadline_s": "soon"}, ["deadline_s"]),
        ({"deadline_s": float("nan")}, ["deadline_s"]),
        ({"deadline_s": float("inf")}, ["deadline_s"]),
        ({"remote_timeout_s": float("inf")}, ["remote_timeout_s"]),
        ({"remote_timeout_s": 1e12}, ["remote_timeout_s"]),
        ({"connect_timeout_s": 0}, ["connect_timeout_s"]),
        ({"threads": 0}, ["threads"]),
        ({"threads": 1.5}, ["threads"]),
        ({"model": ""}, ["model"]),
        ({"usd_per_kwh": float("nan")}, ["usd_per_kwh"]),
        ({"server_url": "example.org"}, ["server_url", "OFFLOAD_SERVER_URL", "http://HOST:PORT"]),
        ({"server_url": "ftp://example.org"}, ["server_url", "ftp://example.org"]),
        ({"server_url": "http://"}, ["server_url"]),
        ({"server_url": "http://:8000"}, ["server_url"]),
        ({"server_url": 80}, ["server_url"]),
        ({"server_url": "http://host:99999"}, ["server_url", "99999"]),
        ({"server_url": "http://host:port"}, ["server_url", "port"]),
        ({"server_url": "http://host:0"}, ["server_url", "port 0"]),
        ({"log": {"shadow_rate": 1.5}}, ["log.shadow_rate", "OFFLOAD_LOG__SHADOW_RATE"]),
        ({"log": {"max_bytes": 10}}, ["log.max_bytes"]),
        ({"payload": {"quality": 100}}, ["payload.quality", "95"]),
        ({"payload": {"side_px": 8}}, ["payload.side_px"]),
        ({"circuit": {"failures": 0}}, ["circuit.failures"]),
        ({"probe": {"budget_frac": 2}}, ["probe.budget_frac"]),
        ({"auto": {"seconds_per_usd": -1}}, ["auto.seconds_per_usd"]),
        ({"limits": {"max_pixels": 0}}, ["limits.max_pixels"]),
        ({"endpoints": [{"name": "a b", "url": "http://x"}]}, ["endpoints.0.name"]),
        ({"endpoints": [{"name": "x"}]}, ["endpoints.0.url"]),
        ({"endpoints": [{"url": "https://x", "ca_bundle": "/no/ca"}]}, ["endpoints.0.ca_bundle", "/no/ca"]),
        ({"endpoints": [{"name": "local", "url": "http://x"}]}, ["'local'"]),
        ({"endpoints": [{"url": "http://x", "usd_per_gb": -1}]}, ["endpoints.0.usd_per_gb"]),
        ({"policyy": "auto"}, ["policyy", "no such setting"]),
        ({"log": {"shadowrate": 0.1}}, ["log.shadowrate", "no such setting"]),
        ({"local": False}, ["local=False", "OFFLOAD_SERVER_URL"]),
        ({"local": False, "server_url": "http://x", "policy": "local"}, ["exclude"]),
        (
            {"server_url": "http://x", "endpoints": [{"name": "remote", "url": "http://y"}]},
            ["same name", "remote"],
        ),
    ],
    ids=lambda value: str(value)[:50],
)  # fmt: skip
def test_a_wrong_value_is_one_line_that_names_the_setting(values: dict[str, object], names: list[str]) -> None:
    message = refusal(**values)
    for name in names:
        assert name in message


def test_every_wrong_value_is_named_at_once() -> None:
    message = refusal(deadline_s=-1, threads=0, log={"shadow_rate": 7})
    for name in ("deadline_s", "threads", "log.shadow_rate"):
        assert name in message


@pytest.mark.parametrize(
    ("name", "value", "setting"),
    [
        ("OFFLOAD_DEADLINE_S", "soon", "deadline_s"),
        ("OFFLOAD_POLICY", "AUTO", "policy"),
        ("OFFLOAD_LOG__SHADOW_RATE", "2", "log.shadow_rate"),
        ("OFFLOAD_LOG__SHADOWRATE", "0.1", "log.shadowrate"),
        ("OFFLOAD_SERVER_URL", "localhost:8000", "server_url"),
        ("OFFLOAD_ENDPOINTS", "not json", "endpoints"),
        ("OFFLOAD_ENDPOINTS", "[{}]", "endpoints.0.url"),
        ("OFFLOAD_LOCAL", "maybe", "local"),
    ],
)
def test_a_wrong_environment_variable_is_named(name: str, value: str, setting: str, monkeypatch) -> None:
    monkeypatch.setenv(name, value)
    assert setting in refusal()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"policy = ", "offload.toml"),
        (b'policy = "fastest"', "policy"),
        (b"polcy = 'auto'", "polcy"),
        (b"[log]\nshadow_rat = 1", "log.shadow_rat"),
        (b"endpoints = 3", "endpoints"),
        (b"\xff\xfe", "offload.toml"),
    ],
)
def test_a_wrong_file_is_one_line(text: bytes, words: str, home: Path, cwd: Path) -> None:
    (cwd / "offload.toml").write_bytes(text)
    assert words in refusal()


def test_the_settings_do_not_change() -> None:
    config = OffloadConfig()
    with pytest.raises(ValueError, match="frozen"):
        config.policy = "local"
    with pytest.raises(ValueError, match="frozen"):
        config.log.enabled = False


# Secrets


def test_a_token_shows_up_in_no_text() -> None:
    endpoint = {"name": "cloud", "url": "https://far", "token": SECRET}
    config = OffloadConfig(server_url="http://near", token=SECRET, endpoints=[endpoint])
    for shown in (repr(config), str(config), repr(config.all_endpoints), str(config.model_dump()),
                  config.model_dump_json(), f"{config.token}"):  # fmt: skip
        assert SECRET not in shown
    assert pickle.loads(pickle.dumps(config)).token.get_secret_value() == SECRET


@pytest.mark.parametrize(
    "values",
    [
        {"token": [SECRET]},
        {"token": SECRET, "policy": "x"},
        {"endpoints": [{"url": "http://x", "token": SECRET, "tokens": SECRET}]},
        {"endpoints": [{"url": "http://x", "token": {"value": SECRET}}]},
        {"server_url": f"http://user:{SECRET}@host"},
        {"server_url": f"ftp://user:{SECRET}@host"},
        {"server_url": f"user:{SECRET}@host"},
    ],
)
def test_a_secret_is_not_repeated_in_an_error(values: dict[str, object]) -> None:
    assert SECRET not in refusal(**values)


def test_a_secret_of_a_file_is_not_repeated_in_an_error(cwd: Path) -> None:
    (cwd / "offload.toml").write_text(f'token = "{SECRET}"\npolicy = "x"\n')
    assert SECRET not in refusal()
    (cwd / "offload.toml").write_text(f'token = "{SECRET}\n')
    assert SECRET not in refusal()


def test_a_password_in_the_address_is_refused_with_the_way_out() -> None:
    assert "OFFLOAD_TOKEN" in refusal(server_url="https://user:pass@host/path")


def test_a_misspelt_variable_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OFFLOAD_POLCY", "OFFLOAD_POLICY", "OFFLOAD_LOG__SHADOW_RATE", "OFFLOAD_MODEL_MIRROR"):
        monkeypatch.setenv(name, "0.5")
    assert unknown_variables() == ["OFFLOAD_POLCY"]
    monkeypatch.setenv("OFFLOAD_SERVER_PORT", "1")
    assert unknown_variables() == ["OFFLOAD_POLCY", "OFFLOAD_SERVER_PORT"]
    assert unknown_variables({"OFFLOAD_SERVER_PORT"}) == ["OFFLOAD_POLCY"]


@pytest.mark.parametrize("text", ["two words", "tökén", "a\nb", " ", ""])
def test_an_odd_token_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        OffloadConfig(server_url="http://near:8000", token=text)
    assert "token" in str(caught.value)
    assert not text.strip() or text not in str(caught.value)


def test_the_newline_of_a_token_file_does_no_harm() -> None:
    config = OffloadConfig(server_url="http://near:8000", token="abc\n")
    assert config.token is not None
    assert config.token.get_secret_value() == "abc"


def test_an_endpoint_may_speak_the_open_inference_protocol() -> None:
    endpoint = EndpointConfig(
        url="http://h",
        protocol="open-inference",
        model="m",
        version="2",
        pixel_mean=(127.5, 127.5, 127.5),
        pixel_std=[1, 2, 3],
    )
    assert (endpoint.model, endpoint.version, endpoint.pixel_std) == ("m", "2", (1.0, 2.0, 3.0))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"protocol": "open-inference"}, "needs the `model`"),
        ({"model": "m"}, "model only"),
        (
            {"version": "1", "pixel_mean": (0, 0, 0), "pixel_std": (1, 1, 1)},
            "version and pixel_mean and pixel_std",
        ),
        ({"protocol": "open-inference", "model": "m", "pixel_mean": (0, 0, 0)}, "belong together"),
        ({"protocol": "open-inference", "model": "m", "pixel_mean": (0, 0, 0), "pixel_std": (1, 0, 1)}, "greater"),
        ({"protocol": "open-inference", "model": ""}, "at least 1 character"),
        ({"protocol": "grpc"}, "open-inference"),
    ],
)
def test_wrong_settings_of_the_protocol_are_told(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        OffloadConfig(endpoints=[{"url": "http://h", **values}])
