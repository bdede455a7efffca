"""Under which circumstances was measured: the machine and the links, noted when it begins and when it ends."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence

from offload_sdk._types import Snapshot
from offload_sdk.baseline.device import Device
from offload_sdk.baseline.history import Session
from offload_sdk.baseline.machine import describe_machine
from offload_sdk.baseline.server import Server
from offload_sdk.errors import OffloadError
from offload_sdk.measure.device import Device as DeviceReader
from offload_sdk.measure.load import LoadReader

__all__ = ["noted_circumstances"]


@contextlib.contextmanager
def noted_circumstances(targets: Sequence[Device | Server], add: Callable[[Session], None]) -> Iterator[None]:
    """Add a session's beginning to the journal, and its end however it ends."""
    local = next((target.local for target in targets if isinstance(target, Device)), None)
    device, load = DeviceReader(), LoadReader()
    load.read()  # what follows is the load since now
    add(Session(machine=describe_machine(local) | _condition(device.read(), "before"), links=_links(targets)))
    try:
        yield
    finally:
        machine = _condition(device.read(), "after") | {"other_load_frac": load.read()}
        with contextlib.suppress(OffloadError):  # a full disk: the measurements matter, and are there
            add(Session(machine=machine, links=_links(targets)))


def _condition(snapshot: Snapshot, when: str) -> dict[str, object]:
    return {
        f"temperature_{when}_c": snapshot.temperature_c,
        f"throttled_{when}": snapshot.throttled,
        f"battery_{when}_frac": snapshot.battery_frac,
        "on_mains": snapshot.on_mains,
    }


def _links(targets: Sequence[Device | Server]) -> dict[str, Mapping[str, object]]:
    return {target.spec.name: target.link() for target in targets if isinstance(target, Server)}
