"""PIT histograms of every family and predictor in one picture. Needs matplotlib, which is loaded here alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.prediction.summary import Cell

__all__ = ["draw"]


def draw(cells: Sequence[Cell], path: Path) -> None:
    """Families below each other, predictors side by side; flat at 1 is calibrated, ∪ too narrow, ∩ too wide."""
    from matplotlib.figure import Figure

    links = list(dict.fromkeys(cell.link for cell in cells))
    predictors = list(dict.fromkeys(cell.predictor for cell in cells))
    figure = Figure(figsize=(2.2 * len(predictors), 1.5 * len(links)), layout="constrained")
    axes = figure.subplots(len(links), len(predictors), squeeze=False, sharex=True, sharey=True)
    for cell in cells:
        bins = cell.score.pit
        ax = axes[links.index(cell.link)][predictors.index(cell.predictor)]
        edges = [place / len(bins) for place in range(len(bins))]
        ax.bar(edges, [share * len(bins) for share in bins], width=1.0 / len(bins), align="edge", color="tab:blue")
        ax.axhline(1.0, color="black", linewidth=0.8)
        ax.set_ylim(0.0, 4.0)
    for ax, predictor in zip(axes[0], predictors, strict=True):
        ax.set_title(predictor)
    for row, link in zip(axes, links, strict=True):
        row[0].set_ylabel(link)
    figure.supxlabel("share of the foretold distribution below what came")
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=90)
