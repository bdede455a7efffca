"""What the pictures have in common: the look, the colours, labels that keep apart, and the files. No data.

The colours are those of Okabe and Ito, which people with any colour vision tell apart; markers and line styles
say the same once more. Needs matplotlib, and is imported only by what draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

__all__ = ["BLACK", "BLUE", "GREEN", "GREY", "LOOK", "RED", "plain_ticks", "save", "spread"]

BLUE, RED, GREEN, GREY, BLACK = "#0072B2", "#D55E00", "#009E73", "#555555", "#000000"
LOOK: dict[Any, Any] = {
    "font.size": 10.0,
    "axes.titlesize": 11.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "benchmarks.policies",  # the same run writes the same file
    "svg.fonttype": "none",
}


def save(figure: Figure, folder: Path, name: str) -> tuple[Path, ...]:
    """Write `name.png` and `name.svg` into the folder, which is made if need be; return both paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = (folder / f"{name}.png", folder / f"{name}.svg")
    figure.savefig(paths[0], dpi=150)
    figure.savefig(paths[1], metadata={"Date": None})
    return paths


def plain_ticks(axis: Axis) -> None:
    """Ticks of a logarithmic axis at 1, 2 and 5 of each decade, written as plain numbers."""
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=99))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def spread(places: Sequence[float], gap: float) -> list[float]:
    """Move places apart until each is `gap` from its neighbours, as little as it takes; in the given order."""
    order = sorted(range(len(places)), key=places.__getitem__)
    # Groups that touch are merged and centred on where their members wanted to be.
    groups: list[tuple[float, list[int]]] = []
    for index in order:
        centre, members = places[index], [index]
        while groups and groups[-1][0] + 0.5 * gap * (len(groups[-1][1]) + len(members)) > centre:
            members = groups.pop()[1] + members
            centre = sum(places[member] for member in members) / len(members)
        groups.append((centre, members))
    moved = [0.0] * len(places)
    for centre, members in groups:
        for rank, member in enumerate(members):
            moved[member] = centre + gap * (rank - 0.5 * (len(members) - 1))
    return moved
