"""A made-up city with the statistics of the source's real one, and its servers, demand and prices.

Angles are drawn in degrees inside the real city's boxes. The shape (a normal core of edge servers with scattered
others; devices around the centre, near edge servers, in the outskirts, and a few anywhere) was fitted to the
source's shares of devices covered and mean numbers of edge servers in range, which
`python -m benchmarks.city` prints beside them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet_planner.geography import FloatArray, IntArray
from fleet_planner.hardware import (
    DEMAND_CORES,
    DEMAND_RAM_MB,
    EDGE_KINDS,
    MUNICIPAL,
    ON_DEMAND_KINDS,
    Hardware,
    columns,
)
from fleet_planner.instance import Devices, Instance, Servers
from fleet_planner.topology import star

__all__ = ["generate"]

_MUNICIPAL_DEG = (44.659414, 10.936595)
_ON_DEMAND_DEG = (45.4642, 9.1900)  # Milan
_KM_PER_DEG = 111.195


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    south: float
    north: float
    west: float
    east: float

    def scatter(self, count: int, rng: np.random.Generator) -> FloatArray:
        return rng.uniform((self.south, self.west), (self.north, self.east), (count, 2))

    def clip(self, places: FloatArray) -> FloatArray:
        return np.clip(places, (self.south, self.west), (self.north, self.east))


_EDGE_BOX = _Box(south=44.526, north=44.885, west=10.778, east=11.070)
_DEVICE_BOX = _Box(south=44.231, north=44.916, west=10.571, east=11.306)
_EDGE_SPREAD_KM = 1.78
_SCATTERED_EDGES_FRAC = 0.17
_DEVICE_SPREAD_KM = 2.4
_NEAR_AN_EDGE_FRAC, _NEAR_AN_EDGE_KM = 0.42, 0.32
_OUTSKIRTS_FRAC, _OUTSKIRTS_KM = 0.11, 7.5
_SCATTERED_DEVICES_FRAC = 0.032


def generate(devices: int, *, edges: int = 100, on_demand: bool = True, seed: int = 0) -> Instance:
    """Draw a city: `edges` edge servers, the municipal cloud and, unless told otherwise, three clouds on demand.

    Edge servers do not depend on the number of devices, and the first devices do not either, so that instances of
    one seed grow out of each other.
    """
    edge_places = _edge_places(edges, _stream(seed, 0))
    clouds = (MUNICIPAL, *(ON_DEMAND_KINDS if on_demand else ()))
    cloud_places = np.array([_MUNICIPAL_DEG] + [_ON_DEMAND_DEG] * (len(clouds) - 1))
    device_places = _device_places(devices, edge_places, seed)
    municipal, others = np.zeros(1, np.int32), np.arange(1, len(clouds), dtype=np.int32)
    uplinks, trunks = star(edges, municipal, others)
    return Instance(
        devices=Devices(
            ids=tuple(f"d{index + 1}" for index in range(devices)),
            lat_deg=device_places[:, 0].copy(),
            lon_deg=device_places[:, 1].copy(),
            cores=np.full(devices, DEMAND_CORES),
            ram_mb=np.full(devices, DEMAND_RAM_MB),
        ),
        edges=_servers(
            tuple(f"e{index + 1}" for index in range(edges)),
            edge_places,
            EDGE_KINDS,
            _stream(seed, 1).integers(len(EDGE_KINDS), size=edges),
        ),
        clouds=_servers(tuple(kind.name for kind in clouds), cloud_places, clouds, np.arange(len(clouds))),
        uplinks=uplinks,
        trunks=trunks,
    )


def _edge_places(count: int, rng: np.random.Generator) -> FloatArray:
    places = _around(np.array(_MUNICIPAL_DEG), _EDGE_SPREAD_KM, count, rng)
    anywhere = _EDGE_BOX.scatter(count, rng)
    scattered = rng.random(count) < _SCATTERED_EDGES_FRAC
    return _EDGE_BOX.clip(np.where(scattered[:, None], anywhere, places))


def _device_places(count: int, edges: FloatArray, seed: int) -> FloatArray:
    """Draw row by row from a stream for each purpose, so that the first devices stay whatever the count."""
    lot = _stream(seed, 2).random(count)[:, None]
    outside = _SCATTERED_DEVICES_FRAC + _OUTSKIRTS_FRAC
    spread_km = np.where(lot < outside, _OUTSKIRTS_KM, _DEVICE_SPREAD_KM)
    places = _around(np.array(_MUNICIPAL_DEG), spread_km, count, _stream(seed, 3))
    anywhere = _DEVICE_BOX.scatter(count, _stream(seed, 4))
    if len(edges):
        chosen = edges[(_stream(seed, 5).random(count) * len(edges)).astype(int)]
        near = _around(chosen, _NEAR_AN_EDGE_KM, count, _stream(seed, 6))
        places = np.where(lot > 1.0 - _NEAR_AN_EDGE_FRAC, near, places)
    return _DEVICE_BOX.clip(np.where(lot < _SCATTERED_DEVICES_FRAC, anywhere, places))


def _stream(seed: int, purpose: int) -> np.random.Generator:
    return np.random.default_rng((seed, purpose))


def _around(centre: FloatArray, spread_km: FloatArray | float, count: int, rng: np.random.Generator) -> FloatArray:
    """Normal in both directions; `centre` and `spread_km` (as a column) are one for all or a row each."""
    north_km, east_km = (spread_km * rng.standard_normal((count, 2))).T
    east_deg = east_km / (_KM_PER_DEG * np.cos(np.radians(centre[..., 0])))
    places: FloatArray = centre + np.column_stack((north_km / _KM_PER_DEG, east_deg))
    return places


def _servers(ids: tuple[str, ...], places: FloatArray, kinds: tuple[Hardware, ...], which: IntArray) -> Servers:
    cores, ram_mb, usd_per_h = columns(kinds, which)
    return Servers(
        ids=ids,
        lat_deg=places[:, 0].copy(),
        lon_deg=places[:, 1].copy(),
        cores=cores,
        ram_mb=ram_mb,
        usd_per_h=usd_per_h,
        urls=(None,) * len(ids),
    )
