"""From checked rows to an instance: draws what is not given, links servers, refuses ids that stand twice. Pure.

Drawn as in the source: an edge server is one of four kinds, with equal chances. The municipal cloud and those on
demand have the capacities of the source, the latter its three kinds in turn. Where no cloud has a `kind`, the one
nearest to the middle of the edge servers is the municipal one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from fleet_planner.document import CloudRow, Document, LinkRow, ServerRow
from fleet_planner.geography import BoolArray, FloatArray, IntArray, haversine_m
from fleet_planner.hardware import (
    DEMAND_CORES,
    DEMAND_RAM_MB,
    EDGE_KINDS,
    MUNICIPAL,
    ON_DEMAND_KINDS,
    TRUNK_BPS,
    UPLINK_BPS,
    columns,
)
from fleet_planner.instance import Devices, Instance, Links, Servers
from fleet_planner.topology import star
from offload_sdk.errors import ConfigurationError

__all__ = ["Place", "assemble"]

Place = Callable[[int], str]


def assemble(document: Document, *, seed: int, places: Sequence[Place]) -> Instance:
    """Return the instance. `places` say where the n-th device, edge server and cloud stand, for errors."""
    devices, edges, clouds = document.devices, document.edges, document.clouds
    device_ids, edge_ids = tuple(row.id for row in devices), tuple(row.id for row in edges)
    cloud_ids = tuple(row.id if row.id not in set(edge_ids) else f"cloud:{row.id}" for row in clouds)
    for ids, place in zip((device_ids, edge_ids, [row.id for row in clouds]), places, strict=True):
        _refuse_twice(ids, place)
    is_municipal = _municipal(edges, clouds)
    municipal, on_demand = np.flatnonzero(is_municipal), np.flatnonzero(~is_municipal)
    kinds = np.empty(len(clouds), np.int64)
    kinds[municipal], kinds[on_demand] = 0, 1 + np.arange(len(on_demand)) % len(ON_DEMAND_KINDS)
    edge_kinds = np.random.default_rng(seed).integers(len(EDGE_KINDS), size=len(edges))
    uplinks, trunks = (
        star(len(edges), municipal, on_demand)
        if document.links is None
        else _links(document.links, edge_ids, cloud_ids, places[1])
    )
    return Instance(
        devices=Devices(
            ids=device_ids,
            lat_deg=_column([row.lat for row in devices]),
            lon_deg=_column([row.lon for row in devices]),
            cores=_column([row.cores for row in devices], DEMAND_CORES),
            ram_mb=_column([row.megabytes for row in devices], DEMAND_RAM_MB),
        ),
        edges=_servers(edge_ids, edges, columns(EDGE_KINDS, edge_kinds)),
        clouds=_servers(cloud_ids, clouds, columns((MUNICIPAL, *ON_DEMAND_KINDS), kinds)),
        uplinks=uplinks,
        trunks=trunks,
        payload_bytes=document.payload_bytes,
    )


def _refuse_twice(ids: Sequence[str], place: Place) -> None:
    seen: dict[str, int] = {}
    for index, name in enumerate(ids):
        if name in seen:
            raise ConfigurationError(f"{place(index)}: the id {name!r} stands twice, first in {place(seen[name])}")
        seen[name] = index


def _municipal(edges: Sequence[ServerRow], clouds: Sequence[CloudRow]) -> BoolArray:
    if any(row.kind is not None for row in clouds):
        return np.array([row.kind == "municipal" for row in clouds])
    found = np.zeros(len(clouds), bool)
    if clouds:
        middle = edges or clouds
        found[
            haversine_m(
                _column([row.lat for row in clouds]),
                _column([row.lon for row in clouds]),
                np.array(np.median([row.lat for row in middle])),
                np.array(np.median([row.lon for row in middle])),
            ).argmin()
        ] = True
    return found


def _column(values: Sequence[float | None], otherwise: FloatArray | float = np.nan) -> FloatArray:
    given = np.array([np.nan if value is None else value for value in values], np.float64)
    return np.where(np.isnan(given), otherwise, given)


def _servers(
    ids: tuple[str, ...], rows: Sequence[ServerRow], drawn: tuple[FloatArray, FloatArray, FloatArray]
) -> Servers:
    cores, ram_mb, usd_per_h = drawn
    return Servers(
        ids=ids,
        lat_deg=_column([row.lat for row in rows]),
        lon_deg=_column([row.lon for row in rows]),
        cores=_column([row.cores for row in rows], cores),
        ram_mb=_column([row.megabytes for row in rows], ram_mb),
        usd_per_h=_column([row.usd_per_h for row in rows], usd_per_h),
        urls=tuple(row.url for row in rows),
    )


def _links(
    rows: Sequence[LinkRow], edge_ids: Sequence[str], cloud_ids: Sequence[str], place: Place
) -> tuple[Links, Links]:
    """Return the uplinks and the trunks among the links."""
    edges, clouds = ({name: index for index, name in enumerate(ids)} for ids in (edge_ids, cloud_ids))
    up: dict[tuple[int, int], float] = {}
    between: dict[tuple[int, int], float] = {}
    for index, row in enumerate(rows):
        where = f"links[{index}]"
        if row.head not in clouds:
            raise ConfigurationError(f"{where}: a link leads to a cloud, and {row.head!r} is none")
        if row.tail in edges:
            up[edges[row.tail], clouds[row.head]] = UPLINK_BPS if row.bandwidth_bps is None else row.bandwidth_bps
        elif row.tail in clouds and row.tail != row.head:
            bandwidth_bps = TRUNK_BPS if row.bandwidth_bps is None else row.bandwidth_bps
            between[clouds[row.tail], clouds[row.head]] = bandwidth_bps
        else:
            raise ConfigurationError(f"{where}: {row.tail!r} is no other server")
    return _as_links(up), _as_links(between)


def _as_links(links: dict[tuple[int, int], float]) -> Links:
    ends: IntArray = np.array(list(links), np.int32).reshape(-1, 2)
    return Links(tail=ends[:, 0], head=ends[:, 1], bandwidth_bps=np.array(list(links.values()), np.float64))
