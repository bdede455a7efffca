"""Instances out: the document from which `reading` makes the same instance again, with all that was drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fleet_planner.document import CloudRow, DeviceRow, Document, LinkRow, ServerRow
from fleet_planner.instance import Instance, Links, Servers
from offload_sdk.errors import OffloadError

__all__ = ["to_document", "write_json"]


def to_document(instance: Instance) -> Document:
    """Return the instance as rows."""
    devices, edges, clouds = instance.devices, instance.edges, instance.clouds
    places = zip(
        devices.ids,
        *(each.tolist() for each in (devices.lat_deg, devices.lon_deg, devices.cores, devices.ram_mb)),
        strict=True,
    )
    return Document(
        devices=[
            DeviceRow(id=name, lat=lat, lon=lon, cores=cores, ram_mb=ram_mb)
            for name, lat, lon, cores, ram_mb in places
        ],
        edges=[ServerRow(**row) for row in _servers(edges)],
        clouds=[CloudRow(**row) for row in _servers(clouds)],
        links=[*_links(instance.uplinks, edges, clouds), *_links(instance.trunks, clouds, clouds)],
        payload_bytes=instance.payload_bytes,
    )


def write_json(instance: Instance, path: Path) -> None:
    """Write the instance. Raises `OffloadError` when the file cannot be written."""
    text = to_document(instance).model_dump_json(by_alias=True, exclude_none=True)
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise OffloadError(f"{path} cannot be written: {error.strerror}") from None


def _servers(servers: Servers) -> list[dict[str, Any]]:
    names = ("id", "lat", "lon", "cores", "ram_mb", "usd_per_h", "url")
    arrays = (servers.lat_deg, servers.lon_deg, servers.cores, servers.ram_mb, servers.usd_per_h)
    rows = zip(servers.ids, *(each.tolist() for each in arrays), servers.urls, strict=True)
    return [dict(zip(names, row, strict=True)) for row in rows]


def _links(links: Links, tails: Servers, heads: Servers) -> list[LinkRow]:
    ends = zip(links.tail.tolist(), links.head.tolist(), links.bandwidth_bps.tolist(), strict=True)
    return [
        LinkRow.model_validate({"from": tails.ids[tail], "to": heads.ids[head], "bandwidth_bps": bandwidth_bps})
        for tail, head, bandwidth_bps in ends
    ]
