"""A device's row of a fleet plan: the servers that it was given, in order. Plans nothing, and decides nothing.

The file is what `offload-sdk plan` writes. Only what the device needs of it is read and checked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offload_sdk.errors import ConfigurationError

__all__ = ["PlannedServer", "planned_servers"]


_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedServer:
    """A server of the plan: its id there, as the name of an endpoint, and its address."""

    name: str
    url: str


def planned_servers(plan: Path, device: str) -> tuple[PlannedServer, ...]:
    """Return the server that the plan assigns to `device`, then its alternatives; none if it is not served.

    Alternatives without an address are left out. Raises `ConfigurationError` if the file is no plan, does not know
    the device, or has no address for the server that it assigns.
    """
    try:
        document = json.loads(plan.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"the plan {plan} cannot be read: {error}") from None
    assignments, servers = _table(document, "assignments", plan), _table(document, "servers", plan)
    unserved = document.get("unserved")
    if isinstance(unserved, Mapping | list) and device in unserved:
        return ()
    if device not in assignments:
        raise ConfigurationError(
            f"the plan {plan} has no device {device!r}; set OFFLOAD_DEVICE to this one's id in the plan"
        )
    row = assignments[device]
    first = row.get("server") if isinstance(row, Mapping) else None
    others = row.get("alternatives", []) if isinstance(row, Mapping) else None
    if not isinstance(others, list) or not all(isinstance(name, str) for name in (first, *others)):
        raise ConfigurationError(f"the plan {plan} names servers of the device {device!r} in no way known here")
    addresses = {name: _url(servers.get(name)) for name in (first, *others)}
    if addresses[first] is None:
        raise ConfigurationError(
            f"the plan {plan} has no `url` for the server {first!r}; give its table a column `url` and plan again"
        )
    return tuple(PlannedServer(name=_name(name), url=url) for name, url in addresses.items() if url is not None)


def _table(document: Any, name: str, plan: Path) -> Mapping[str, Any]:
    found = document.get(name) if isinstance(document, Mapping) else None
    if not isinstance(found, Mapping):
        raise ConfigurationError(f"{plan} is no plan: it has no table `{name}`; `offload-sdk plan` writes one")
    return found


def _url(server: Any) -> str | None:
    url = server.get("url") if isinstance(server, Mapping) else None
    return url if isinstance(url, str) else None


def _name(server: str) -> str:
    """Return the server's id as the name of an endpoint, in which only some characters may stand."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", server)[:_LONGEST_NAME]
