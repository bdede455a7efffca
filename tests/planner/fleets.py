"""Small fleets of all sorts, and what every plan must hold."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from fleet_planner.geography import IntArray
from fleet_planner.instance import Devices, Instance, Links, Servers
from fleet_planner.network import Network
from fleet_planner.routes import Routes, active, serving

_KM = 1 / 111.195


@st.composite
def instances(draw: st.DrawFn) -> Instance:
    """Few devices and servers within some kilometres, scarce capacities and links, any links between clouds."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    devices, edges, clouds = draw(st.integers(0, 7)), draw(st.integers(0, 4)), draw(st.integers(0, 3))
    spread = draw(st.sampled_from((0.0, 0.3, 2.0, 8.0)))
    alike = draw(st.booleans())
    narrow = draw(st.booleans())
    demand = np.full(devices, 8.0) if alike else rng.choice((1.0, 4.0, 8.0), devices)
    return Instance(
        devices=Devices(
            ids=tuple(f"d{index}" for index in range(devices)),
            lat_deg=45 + spread * _KM * rng.normal(size=devices),
            lon_deg=9 + spread * _KM * rng.normal(size=devices),
            cores=demand,
            ram_mb=np.full(devices, 1600.0) if alike else rng.choice((0.0, 500.0, 1600.0), devices),
        ),
        edges=_servers("e", edges, spread, rng),
        clouds=_servers("c", clouds, 10 * spread, rng),
        uplinks=_links(edges, clouds, (120e6, 1e9, 3e9) if narrow else (10e9,), rng),
        trunks=_links(clouds, clouds, (120e6, 2e9) if narrow else (1e12,), rng),
    )


def _servers(letter: str, count: int, spread: float, rng: np.random.Generator) -> Servers:
    return Servers(
        ids=tuple(f"{letter}{index}" for index in range(count)),
        lat_deg=45 + spread * _KM * rng.normal(size=count),
        lon_deg=9 + spread * _KM * rng.normal(size=count),
        cores=rng.choice((0.0, 8.0, 16.0, 24.0), count),
        ram_mb=rng.choice((1600.0, 4000.0, 16000.0), count),
        usd_per_h=rng.choice((0.0, 0.0441, 0.0567, 2.1504), count),
        urls=(None,) * count,
    )


def _links(tails: int, heads: int, bandwidths: tuple[float, ...], rng: np.random.Generator) -> Links:
    pairs = [
        (t, h) for t in range(tails) for h in range(heads) if (t != h or tails != heads) and rng.random() < 0.7
    ]
    ends: IntArray = np.array(pairs, np.int32).reshape(-1, 2)
    return Links(tail=ends[:, 0], head=ends[:, 1], bandwidth_bps=rng.choice(bandwidths, len(pairs)))


def check(network: Network, routes: Routes) -> None:
    """Assert what (1) to (14) say of paths."""
    instance, served = network.instance, routes.served
    assert (network.device[routes.attachment[served]] == served).all()
    assert not (routes.uplink[routes.attachment < 0] >= 0).any()
    bandwidth = network.class_bandwidth_bps[network.device_class]
    place = np.full(len(instance.devices), -1)
    tails = np.full(len(instance.devices), -1)
    tails[served] = network.edge[routes.attachment[served]]
    loads = []
    for link, links in (
        (routes.uplink, instance.uplinks),
        *((step, instance.trunks) for step in routes.trunk.T),
    ):
        on = link >= 0
        assert (links.tail[link[on]] == tails[on]).all()
        tails = np.where(on, links.head[link] if len(links) else -1, -2)
        place[on] = links.head[link[on]]
        loads.append((links, np.bincount(link[on], bandwidth[on], minlength=len(links))))
    uplink_load = loads[0][1]
    trunk_load = sum((load for _, load in loads[1:]), np.zeros(len(instance.trunks)))
    assert (uplink_load <= instance.uplinks.bandwidth_bps * (1 + 1e-9)).all()
    assert (trunk_load <= instance.trunks.bandwidth_bps * (1 + 1e-9)).all()
    server = serving(network, routes)
    for need, capacity in (
        (instance.devices.cores, np.concatenate((instance.edges.cores, instance.clouds.cores))),
        (instance.devices.ram_mb, np.concatenate((instance.edges.ram_mb, instance.clouds.ram_mb))),
    ):
        load = np.bincount(server[served], need[served], minlength=len(capacity))
        assert (load <= capacity * (1 + 1e-9)).all()
    assert set(server[served].tolist()) <= set(active(network, routes).tolist())
