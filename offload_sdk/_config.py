"""The settings, validated, and the one place where environment and files are read.

Order: values given in code, then `OFFLOAD_*` environment variables, then `offload.toml` in the working
directory or, if there is none, in `OFFLOAD_HOME`, then the defaults. A group's field is set in the environment
with two underscores (`OFFLOAD_LOG__SHADOW_RATE=0.05`) and in the file by its table (`[log]`).

No other module reads `os.environ`, and this one starts nothing.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    model_validator,
)

from offload_sdk._plan import planned_servers
from offload_sdk.errors import ConfigurationError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = [
    "AutoConfig",
    "CircuitConfig",
    "EndpointConfig",
    "LimitsConfig",
    "LogConfig",
    "OffloadConfig",
    "PayloadConfig",
    "PolicyName",
    "ProbeConfig",
    "default_home",
    "unknown_variables",
]

PolicyName = Literal["auto", "local", "remote", "latency", "energy", "cost", "deadline", "bandit"]
FILE_NAME = "offload.toml"
_PREFIX = "OFFLOAD_"
_NOT_SETTINGS = ("model_mirror",)  # read by a command
DEFAULT_ENDPOINT_NAME = "remote"

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Wait = Annotated[float, Field(gt=0, le=86400)]
"""Seconds that a thread may be told to wait: the operating system refuses endless ones."""
Fraction = Annotated[float, Field(ge=0, le=1)]


def default_home() -> Path:
    """Return the folder of profile, models and log: `OFFLOAD_HOME`, else the platform's user data folder."""
    chosen = os.environ.get("OFFLOAD_HOME")
    if chosen:
        return Path(chosen).expanduser()
    from platformdirs import user_data_path

    return user_data_path("offload-sdk", appauthor=False)


def _server_url(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    url = value.strip().rstrip("/")
    scheme, separator, rest = url.partition("://")
    if "@" in (rest if separator else url).split("/", 1)[0]:  # first, as the other messages repeat the value
        raise ValueError("a server's address must hold no password; set OFFLOAD_TOKEN instead")
    if not separator or scheme.lower() not in ("http", "https") or not rest or rest.startswith(("/", ":")):
        raise ValueError(f"{value!r} is not a server's address; write it as http://HOST:PORT or https://HOST")
    try:
        port = urlsplit(url).port
    except ValueError as error:
        raise ValueError(f"{value!r} is not a server's address: {error}") from None
    if port == 0:
        raise ValueError(f"{value!r} is not a server's address: no server listens on port 0")
    return url


def _expanded(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise ValueError(f"{path}: {error}") from None


def _existing(path: Path) -> Path:
    expanded = _expanded(path)
    if not expanded.exists():
        raise ValueError(f"there is no {expanded}")
    return expanded


def _token(value: Any) -> Any:
    """A token from a file often ends in a newline; anything else odd in it would end up in an error message."""
    if not isinstance(value, str):
        return value
    token = value.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError("a token is one word of printable ASCII characters")
    return token


Token = Annotated[SecretStr, BeforeValidator(_token)]
ServerUrl = Annotated[str, BeforeValidator(_server_url)]
UserPath = Annotated[Path, AfterValidator(_expanded)]
ExistingPath = Annotated[Path, AfterValidator(_existing)]


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EndpointConfig(_Group):
    """One server. Prices are what one request adds; all zero where only latency and energy count.

    `model` and `version` are what the server calls the model to ask for, with the Open Inference Protocol, which
    does not tell how a float input is normalised: (pixel - `pixel_mean`) / `pixel_std`, pixel 0..255, per channel.
    """

    url: ServerUrl
    name: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")] = DEFAULT_ENDPOINT_NAME
    token: Token | None = None
    ca_bundle: ExistingPath | None = None
    client_cert: ExistingPath | None = None
    client_key: ExistingPath | None = None
    usd_per_request: NonNegative = 0.0
    usd_per_server_hour: NonNegative = 0.0
    usd_per_gb: NonNegative = 0.0
    protocol: Literal["offload", "open-inference"] = "offload"
    model: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    version: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    pixel_mean: tuple[Finite, Finite, Finite] | None = None
    pixel_std: tuple[Positive, Positive, Positive] | None = None

    @model_validator(mode="after")
    def _coherent(self) -> EndpointConfig:
        if self.name == "local":
            raise ValueError("an endpoint cannot be called 'local'; that names the device itself")
        if self.protocol == "open-inference" and self.model is None:
            raise ValueError("protocol 'open-inference' needs the `model` to ask for")
        foreign = [
            name for name in ("model", "version", "pixel_mean", "pixel_std") if getattr(self, name) is not None
        ]
        if self.protocol == "offload" and foreign:
            raise ValueError(f"{' and '.join(foreign)} only mean something with protocol = 'open-inference'")
        if (self.pixel_mean is None) != (self.pixel_std is None):
            raise ValueError("pixel_mean and pixel_std belong together: give both or none")
        if self.client_key is not None and self.client_cert is None:
            raise ValueError("client_key needs client_cert, the certificate that it belongs to")
        return self

    @property
    def certificate(self) -> tuple[Path, Path] | None:
        """The files of the device's certificate and of its key, which may be one and the same."""
        return None if self.client_cert is None else (self.client_cert, self.client_key or self.client_cert)


class AutoConfig(_Group):
    """The prices and limits of the policy `auto`; `bandit` keeps the same limits.

    Everything is weighed in seconds: `seconds_per_joule` applies on battery, divided by the charge that is
    left (0..1); on mains energy is free. `seconds_per_usd` applies always. Both sides may work on
    `duplicates_frac` of the images, so that the quicker answer counts. Below `battery_threshold_frac` the
    option of the least energy is taken; below `signal_threshold_dbm` nothing is sent; what keeps a
    deadline, hedges included, with less than `deadline_probability` is done only if nothing does better.
    """

    seconds_per_joule: NonNegative = 0.02
    seconds_per_usd: NonNegative = 500.0
    duplicates_frac: Fraction = 0.1
    battery_threshold_frac: Fraction = 0.15
    signal_threshold_dbm: float = -88.0
    deadline_probability: Fraction = 0.9


class PayloadConfig(_Group):
    """What is uploaded: the centre square of the picture as JPEG, as large and as fine as the link is fast.

    An image is sent in the form that takes the least transfer time + `seconds_per_error` for each label that
    the coding is expected to change. 0 means that labels are worth nothing: the smallest is always sent.
    `side_px` or `quality` fix the form instead, the other of the two then being what the model needs, and 90.
    """

    side_px: Annotated[int, Field(ge=64, le=4096)] | None = None
    quality: Annotated[int, Field(ge=30, le=95)] | None = None
    seconds_per_error: NonNegative = 3.0


class LimitsConfig(_Group):
    """Bounds on one image, checked before it is decoded."""

    max_image_bytes: Annotated[int, Field(gt=0)] = 64 * 1024 * 1024
    max_pixels: Annotated[int, Field(gt=0)] = 64_000_000


class LogConfig(_Group):
    """The log of images. `shadow_rate` is the share of images for which the other path runs too."""

    enabled: bool = True
    path: UserPath | None = None
    max_bytes: Annotated[int, Field(ge=1_000_000)] = 200_000_000
    max_age_days: Positive = 90.0
    shadow_rate: Fraction = 0.0


class ProbeConfig(_Group):
    """Background measurement of the link.

    Probes cost at most `budget_frac` of the bytes that uploading every image would take. `start_bytes` of it
    are spent in advance, to learn a link that has never been used.
    """

    enabled: bool = True
    interval_s: Wait = 1.0
    budget_frac: Fraction = 0.01
    start_bytes: Annotated[int, Field(ge=0)] = 20000


class CircuitConfig(_Group):
    """When an endpoint is left alone: after `failures` in a row, for `cooldown_s`, doubling up to the maximum."""

    failures: Annotated[int, Field(ge=1)] = 3
    cooldown_s: Wait = 1.0
    max_cooldown_s: Wait = 30.0


class OffloadConfig(_Group):
    """All settings of an `Offloader`. Frozen. Raises `ConfigurationError` naming every wrong value.

    `local=False` switches the local path off: then a failing network is an error. `model` is a name of the
    catalogue, `auto`, or the path of a `.tflite`. `deadline_s` is the default of every call. `remote_timeout_s`
    bounds a whole remote attempt. `threads` is chosen by calibration when None. `usd_per_kwh` prices the
    device's own energy. `plan` is a fleet's plan, in which this device is called `device`, its host name if None.
    `redact` names a `offload_sdk.typing.Redact` as `module:function`.
    """

    home: UserPath = Field(default_factory=default_home)
    server_url: ServerUrl | None = None
    token: Token | None = None
    endpoints: tuple[EndpointConfig, ...] = ()
    plan: UserPath | None = None
    device: Annotated[str, Field(min_length=1)] | None = None
    policy: PolicyName = "auto"
    model: Annotated[str, Field(min_length=1)] = "auto"
    local: bool = True
    deadline_s: Wait | None = None
    remote_timeout_s: Wait = 10.0
    connect_timeout_s: Wait = 3.0
    threads: Annotated[int, Field(ge=1, le=64)] | None = None
    usd_per_kwh: NonNegative = 0.0
    seed: int | None = None
    redact: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$")] | None = None
    auto: AutoConfig = AutoConfig()
    payload: PayloadConfig = PayloadConfig()
    limits: LimitsConfig = LimitsConfig()
    log: LogConfig = LogConfig()
    probe: ProbeConfig = ProbeConfig()
    circuit: CircuitConfig = CircuitConfig()
    _planned: tuple[EndpointConfig, ...] = PrivateAttr(())

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**_merged(_merged(_from_file(), _from_environment(type(self).model_fields)), values))
        except ValidationError as error:
            raise ConfigurationError(f"wrong configuration: {_problems(error)}") from None

    @model_validator(mode="after")
    def _coherent(self) -> OffloadConfig:
        if self.plan is not None:
            own = {endpoint.name for endpoint in self.endpoints}
            planned = planned_servers(self.plan, self.device or platform.node())
            try:
                self._planned = tuple(EndpointConfig(name=s.name, url=s.url) for s in planned if s.name not in own)
            except ValidationError as error:
                raise ValueError(
                    f"the plan {self.plan} has a server that is no endpoint: {_problems(error)}"
                ) from None
        names = [endpoint.name for endpoint in self.all_endpoints]
        if len(set(names)) != len(names):
            raise ValueError(f"two endpoints have the same name among {names}; give each its own `name`")
        if not self.local and not names:
            raise ValueError("local=False needs a server; set OFFLOAD_SERVER_URL or [[endpoints]]")
        if not self.local and self.policy == "local":
            raise ValueError("policy='local' and local=False exclude each other")
        return self

    @property
    def all_endpoints(self) -> tuple[EndpointConfig, ...]:
        """The endpoints in order: `server_url` first, as the endpoint `remote`, then `endpoints`, then the plan's.

        `token` is for `server_url`; without one it fills the gaps of the others. It never goes to both: the
        list may come from a file of the working directory, and the token from elsewhere.
        """
        named = (*self.endpoints, *(self._planned if self.plan is not None else ()))
        if self.server_url is not None:
            return EndpointConfig(url=self.server_url, token=self.token), *named
        return tuple(
            endpoint if endpoint.token is not None else endpoint.model_copy(update={"token": self.token})
            for endpoint in named
        )

    @property
    def log_path(self) -> Path:
        return self.log.path if self.log.path is not None else self.home / "log.sqlite3"

    @property
    def models_dir(self) -> Path:
        return self.home / "models"

    @property
    def profile_path(self) -> Path:
        return self.home / "profile.json"


def _from_file() -> dict[str, Any]:
    """Return what `offload.toml` says, from the working directory or else from the home folder."""
    for folder in (Path(), default_home()):
        file = folder / FILE_NAME
        try:
            with file.open("rb") as stream:
                document: dict[str, Any] = tomllib.load(stream)
                return document
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, ValueError) as error:  # unreadable, not TOML, not UTF-8
            raise ConfigurationError(f"the settings file {file.absolute()} cannot be read: {error}") from None
    return {}


def _from_environment(fields: Container[str]) -> dict[str, Any]:
    """Return the settings among the `OFFLOAD_*` variables; an empty one counts as not set, lists are JSON."""
    values: dict[str, Any] = {}
    for variable, text in os.environ.items():
        if not variable.startswith(_PREFIX) or not text:
            continue
        name, *path = variable.removeprefix(_PREFIX).lower().split("__")
        if name not in fields:
            continue  # a variable of the server, for example
        value: Any = text
        if name == "endpoints":
            try:
                value = json.loads(text)
            except ValueError as error:
                raise ConfigurationError(f"{variable} must be a JSON list of endpoints: {error}") from None
        for part in reversed(path):
            value = {part: value}
        values = _merged(values, {name: value})
    return values


def unknown_variables(others: Container[str] = ()) -> list[str]:
    """Return the `OFFLOAD_*` variables that are neither settings nor among the `others`: misspelt, most likely."""
    known = {*OffloadConfig.model_fields, *_NOT_SETTINGS}
    names = (name for name in os.environ if name.startswith(_PREFIX) and name not in others)
    return sorted(name for name in names if name.removeprefix(_PREFIX).lower().split("__")[0] not in known)


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return both, `above` winning; tables are merged, everything else is replaced."""
    merged = dict(below)
    for name, value in above.items():
        old = merged.get(name)
        merged[name] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _problems(error: ValidationError) -> str:
    """Return one line that names every wrong setting, as code and as environment would spell it."""
    problems = []
    for detail in error.errors(include_url=False, include_input=False):
        names = [str(part) for part in detail["loc"]]
        message = detail["msg"].removeprefix("Value error, ")
        if not names:
            problems.append(message)
            continue
        if detail["type"] == "extra_forbidden":
            message = "there is no such setting"
        problems.append(f"{'.'.join(names)} (OFFLOAD_{'__'.join(names).upper()}): {message}")
    return "; ".join(problems)
