"""A device's row of a fleet plan: the servers that it was given, in order. Plans nothing, and decides nothing.

The file is what `offload-sdk plan` writes. Only what the device needs of it is read and checked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offload_sdk.errors import ConfigurationError

__all__ = ["PlannedServer", "planned_servers"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedServer:
    """A server of the plan, by its id there and its address."""

    name: str
    url: str


def planned_servers(plan: Path, device: str) -> tuple[PlannedServer, ...]:
    """Return the server that the plan assigns to `device`, then its alternatives; none if it is not served.

    Raises `ConfigurationError` if the file is no plan, has no such device, or has no address for a server of it.
    """
    try:
        document = json.loads(plan.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"the plan {plan} cannot be read: {error}") from None
    assignments, servers = _table(document, "assignments", plan), _table(document, "servers", plan)
    if device not in assignments:
        if device in document.get("unserved", ()):
            return ()
        raise ConfigurationError(
            f"the plan {plan} has no device {device!r}; set OFFLOAD_DEVICE to this one's id in the plan"
        )
    row = assignments[device]
    if not isinstance(row, Mapping) or "server" not in row:
        raise ConfigurationError(f"the plan {plan} says no server for the device {device!r}")
    first, others = row["server"], row.get("alternatives", [])
    if not isinstance(others, list) or not all(isinstance(name, str | None) for name in (first, *others)):
        raise ConfigurationError(f"the plan {plan} names servers of the device {device!r} in no way known here")
    names = dict.fromkeys(name for name in (first, *others) if name is not None)
    return tuple(PlannedServer(name=name, url=_url(servers.get(name), name, plan)) for name in names)


def _table(document: Any, name: str, plan: Path) -> Mapping[str, Any]:
    found = document.get(name) if isinstance(document, Mapping) else None
    if not isinstance(found, Mapping):
        raise ConfigurationError(f"{plan} is no plan: it has no table `{name}`; `offload-sdk plan` writes one")
    return found


def _url(server: Any, name: str, plan: Path) -> str:
    url = server.get("url") if isinstance(server, Mapping) else None
    if not isinstance(url, str):
        raise ConfigurationError(
            f"the plan {plan} has no `url` for the server {name!r}; give the servers a column `url` and plan again"
        )
    return url
