"""From `--target` to what is measured: this device, an endpoint of the settings, or a server by its address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from offload_sdk._config import EndpointConfig, OffloadConfig
from offload_sdk._types import OptionPath
from offload_sdk.errors import ConfigurationError

__all__ = ["LOCAL", "TargetSpec", "parse_targets"]

LOCAL = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSpec:
    """A target by its name; `endpoint` is None for this device."""

    name: str
    endpoint: EndpointConfig | None = None

    @property
    def path(self) -> OptionPath:
        return "local" if self.endpoint is None else "remote"

    @property
    def takes_files(self) -> bool:
        """Whether it can be sent a whole file: the device is not, and tensors are no files."""
        return self.endpoint is not None and self.endpoint.protocol == "offload"

    @property
    def url(self) -> str | None:
        return None if self.endpoint is None else self.endpoint.url


def parse_targets(texts: Sequence[str], config: OffloadConfig) -> tuple[TargetSpec, ...]:
    """Return the targets in the order given. Raises `ConfigurationError` for a name or an address that is wrong.

    An address that the settings know brings its own token, certificates and protocol. Any other gets
    `config.token`, unless that belongs to the `server_url` of the settings: no token goes to a server that it was
    not meant for.
    """
    if not texts:
        raise ConfigurationError("nothing to measure: give --target local, --target NAME=URL, or both")
    specs = tuple(_parse(text, config) for text in texts)
    names = [spec.name for spec in specs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigurationError(f"two targets are called {twice[0]!r}; give each a name of its own")
    return specs


def _parse(text: str, config: OffloadConfig) -> TargetSpec:
    name, named, url = text.partition("=")
    if not named:
        return _known(text, config)
    if name == LOCAL:
        raise ConfigurationError("--target local=…: 'local' is this device and has no address; use another name")
    if "?" in url or "#" in url:
        raise ConfigurationError(f"--target {name}=…: a server's address has no '?' and no '#'")
    try:
        endpoint = EndpointConfig(name=name, url=url)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        words = problem["msg"].removeprefix("Value error, ")
        if problem["loc"] == ("name",):
            words = "a name is up to 64 letters, digits, dots, dashes and underscores"
        raise ConfigurationError(f"--target {name}=…: {words}") from None
    known = next((e for e in config.all_endpoints if e.url == endpoint.url), None)
    if known is not None:
        endpoint = known.model_copy(update={"name": name})
    elif config.server_url is None:
        endpoint = endpoint.model_copy(update={"token": config.token})
    return TargetSpec(name=name, endpoint=endpoint)


def _known(name: str, config: OffloadConfig) -> TargetSpec:
    if name == LOCAL:
        return TargetSpec(name=LOCAL)
    for endpoint in config.all_endpoints:
        if endpoint.name == name:
            return TargetSpec(name=name, endpoint=endpoint)
    known = ", ".join((LOCAL, *(endpoint.name for endpoint in config.all_endpoints)))
    raise ConfigurationError(
        f"--target {name}: there is no endpoint of that name in the settings (known: {known}); write {name}=URL"
    )
