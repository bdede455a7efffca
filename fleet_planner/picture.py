"""A plan as a map. Needs matplotlib, which is loaded here only. No arithmetic on plans.

Colours are those of Okabe and Ito, which people with any colour vision tell apart; markers say the same once more.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fleet_planner.geography import BoolArray, FloatArray
from fleet_planner.plan import Plan
from fleet_planner.routes import active, serving
from offload_sdk.errors import ConfigurationError, OffloadError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw"]

_AT_EDGE, _IN_CLOUD, _NO_CAPACITY, _OUT_OF_RANGE = "#0072B2", "#009E73", "#D55E00", "#777777"
_MOST_PERCENT, _LEAST_MARGIN_DEG = (4.0, 96.0), 0.001
_SIZE_IN, _DPI = (9.5, 7.5), 130


def draw(plan: Plan, path: Path) -> None:
    """Write the map to `path`, in the format of its suffix (`.png`, `.svg`, `.pdf`).

    It shows the part in which most devices and edge servers are; the legend counts all of them and tells of clouds
    beyond it. Raises `ConfigurationError` for another suffix, without matplotlib, or with nothing to draw, and
    `OffloadError` when the file cannot be written.
    """
    kind = path.suffix.lower().lstrip(".")
    if kind not in ("png", "svg", "pdf"):
        raise ConfigurationError(f"{path} must end in .png, .svg or .pdf")
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ConfigurationError("maps need matplotlib: pip install 'offload-sdk[planner]'") from None
    devices, edges = plan.network.instance.devices, plan.network.instance.edges
    if not len(devices) and not len(edges):
        raise ConfigurationError("there are neither devices nor edge servers, so there is nothing to draw")
    figure = Figure(figsize=_SIZE_IN, layout="constrained")
    axes = figure.add_subplot()
    _draw_paths(axes, plan)
    _draw_devices(axes, plan)
    _draw_servers(axes, plan)
    (west, east), (south, north) = _view(plan)
    axes.set(xlim=(west, east), ylim=(south, north))
    axes.set_aspect(1.0 / max(float(np.cos(np.radians((south + north) / 2.0))), 0.05), adjustable="box")
    axes.set_xlabel("longitude (°)")
    axes.set_ylabel("latitude (°)")
    axes.ticklabel_format(useOffset=False)
    axes.set_title(
        f"{plan.served:,} of {len(devices):,} devices served by {plan.network.scenario}, planned for {plan.aim}",
        loc="left",
        fontweight="bold",
    )
    axes.grid(True, alpha=0.2)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize="small")
    content = BytesIO()
    figure.savefig(content, format=kind, dpi=_DPI)
    try:
        path.write_bytes(content.getvalue())
    except OSError as error:
        raise OffloadError(f"the map {path} cannot be written: {error.strerror}") from None


def _view(plan: Plan) -> tuple[FloatArray, FloatArray]:
    """Return the longitudes and latitudes between which most places lie: a few far ones would hide them."""
    devices, edges = plan.network.instance.devices, plan.network.instance.edges
    bounds = []
    for first, second in ((devices.lon_deg, edges.lon_deg), (devices.lat_deg, edges.lat_deg)):
        low, high = np.percentile(np.concatenate((first, second)), _MOST_PERCENT)
        margin = max(0.15 * (high - low), _LEAST_MARGIN_DEG)
        bounds.append(np.array((low - margin, high + margin)))
    return bounds[0], bounds[1]


def _draw_paths(axes: Axes, plan: Plan) -> None:
    from matplotlib.collections import LineCollection

    network, devices, edges = plan.network, plan.network.instance.devices, plan.network.instance.edges
    served = plan.routes.served
    edge = network.edge[plan.routes.attachment[served]]
    ends = np.stack(
        (
            np.column_stack((devices.lon_deg[served], devices.lat_deg[served])),
            np.column_stack((edges.lon_deg[edge], edges.lat_deg[edge])),
        ),
        axis=1,
    )
    axes.add_collection(LineCollection(ends.tolist(), colors="#666666", linewidths=0.6, alpha=0.7, zorder=1))


def _draw_devices(axes: Axes, plan: Plan) -> None:
    network, devices = plan.network, plan.network.instance.devices
    server, edges = serving(network, plan.routes), len(network.instance.edges)
    size = float(np.clip(4000.0 / max(len(devices), 1), 1.0, 26.0))
    for name, chosen, colour, marker in (
        ("device served at an edge server", (server >= 0) & (server < edges), _AT_EDGE, "o"),
        ("device served in a cloud", server >= edges, _IN_CLOUD, "s"),
        ("device without capacity in its range", (server < 0) & (network.in_range > 0), _NO_CAPACITY, "X"),
        ("device out of range", (server < 0) & (network.in_range == 0), _OUT_OF_RANGE, "x"),
    ):
        _scatter(axes, name, devices.lon_deg, devices.lat_deg, chosen, colour, marker, size)


def _draw_servers(axes: Axes, plan: Plan) -> None:
    instance = plan.network.instance
    edges, clouds = instance.edges, instance.clouds
    on = np.zeros(len(edges) + len(clouds), bool)
    on[active(plan.network, plan.routes)] = True
    for name, chosen, face in (("edge server, active", on, "#E69F00"), ("edge server, off", ~on, "none")):
        _scatter(axes, name, edges.lon_deg, edges.lat_deg, chosen[: len(edges)], face, "^", 42.0, "#000000")
    (west, east), (south, north) = _view(plan)
    load = np.bincount(serving(plan.network, plan.routes)[plan.routes.served], minlength=len(on))[len(edges) :]
    for index, name in enumerate(clouds.ids):
        if not on[len(edges) + index]:
            continue
        lon, lat = clouds.lon_deg[index], clouds.lat_deg[index]
        seen = bool(west <= lon <= east and south <= lat <= north)
        axes.scatter(
            [lon] if seen else [],
            [lat] if seen else [],
            s=130.0,
            marker="*" if seen else "$→$",
            color="#CC79A7",
            edgecolors="#000000" if seen else None,
            zorder=4,
            label=f"cloud {name}{'' if seen else ', beyond the map'}: serves {load[index]:,}",
        )


def _scatter(
    axes: Axes,
    name: str,
    lon_deg: FloatArray,
    lat_deg: FloatArray,
    chosen: BoolArray,
    face: str,
    marker: str,
    size: float,
    edge: str | None = None,
) -> None:
    if not chosen.any():
        return
    axes.scatter(
        lon_deg[chosen],
        lat_deg[chosen],
        s=size,
        c=face,
        marker=marker,
        edgecolors=edge,
        linewidths=0.8,
        zorder=3 if edge else 2,
        label=f"{name}: {int(chosen.sum()):,}",
    )
