"""From samples to figures with intervals. Which samples there are is not known here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from offload_sdk.replay.blocks import block_length, resamples
from offload_sdk.replay.result import Costs, Figure
from offload_sdk.replay.sample import FIGURES, Floats, Sample

__all__ = ["Intervals"]

_BOUNDS = (2.5, 97.5)


class Intervals:
    """95 % percentile intervals from a block bootstrap over the images of a log (Künsch 1989).

    `series` are times of all images in their order, of what was done and of what is asked about: the one whose
    neighbours are alike for longer sets `block_images`. All samples meet the same resamples, so differences of
    two of them are paired. There are `times` resamples.
    """

    def __init__(self, series: Sequence[Sequence[float]], options: Sequence[str], times: int, seed: int) -> None:
        self.block_images = max(block_length(np.array(times)) for times in series)
        self._count = len(series[0])
        self._options = options
        self._times = times
        self._seed = seed
        self._known: dict[Sample, Floats] = {}

    def replicates(self, sample: Sample) -> Floats:
        """Return the sample's figures for each resample, of shape (resamples, figures)."""
        if sample not in self._known:
            drawn = resamples(self._count, self.block_images, self._times, self._seed)
            self._known[sample] = np.array([sample.figures(counts) for counts in drawn])
        return self._known[sample]

    def costs(self, sample: Sample) -> Costs:
        values, replicates = sample.figures(), self.replicates(sample)
        figures = [_figure(value, column) for value, column in zip(values, replicates.T, strict=True)]
        named = dict(zip(FIGURES, figures, strict=False))
        return Costs(**named, options=dict(zip(self._options, figures[len(FIGURES) :], strict=True)))  # type: ignore[arg-type]

    def change(self, sample: Sample, base: Sample) -> Figure:
        """Return the mean latency of `sample` over that of `base`, minus 1."""
        value = sample.figures()[0] / base.figures()[0] - 1.0
        figure = _figure(value, self.replicates(sample)[:, 0] / self.replicates(base)[:, 0] - 1.0)
        assert figure is not None
        return figure


def _figure(value: float, replicates: Floats) -> Figure | None:
    if np.isnan(value):
        return None
    low, high = np.nanpercentile(replicates, _BOUNDS)
    return Figure(value=float(value), low=float(low), high=float(high))
