"""What was possible: the conditional distribution given the last times, taken from the whole run afterwards."""

from __future__ import annotations

import numpy as np

from benchmarks.prediction.forecast import Empirical
from benchmarks.prediction.score import Floats
from benchmarks.prediction.watch import Watched

__all__ = ["hindsight"]

_NEIGHBOURS = 30
_APART = 10  # images this near do not count as neighbours: one's truth is the other's last time
_GAIN = 0.3


def hindsight(watched: Watched) -> list[Empirical]:
    """For each image, what images in a like state took, scaled to its size.

    The state is the last time known and an average of those before, each relative to what its size takes in
    the run's middle. No predictor without history or foresight can know the link's habits so well, so its
    errors say about what is in the link; averaging more, or better, may still beat it.
    """
    sizes = np.array([sighting.size_bytes for sighting in watched.sightings], dtype=float)
    truths_s = np.array([sighting.truth_s for sighting in watched.sightings])
    fixed_s, s_per_byte = _line(sizes, truths_s)
    usual_s = fixed_s + s_per_byte * sizes
    surprises = np.log(truths_s / usual_s)
    states = _states(watched, fixed_s, s_per_byte)
    places = np.arange(len(states))
    forecasts = []
    for place, state in enumerate(states):
        distances = ((states - state) ** 2).sum(axis=1)
        distances[np.abs(places - place) <= _APART] = np.inf
        nearest = np.argsort(distances, kind="stable")[:_NEIGHBOURS]
        forecasts.append(Empirical(list(usual_s[place] * np.exp(surprises[nearest]))))
    return forecasts


def _states(watched: Watched, fixed_s: float, s_per_byte: float) -> Floats:
    """Of each image the last surprise and their average, as known on its arrival."""
    last = smooth = 0.0
    after: list[tuple[float, float]] = [(last, smooth)]
    for size_bytes, seconds in watched.times:
        last = float(np.log(seconds / (fixed_s + s_per_byte * size_bytes)))
        smooth += _GAIN * (last - smooth)
        after.append((last, smooth))
    return np.array([after[sighting.known] for sighting in watched.sightings])


def _line(sizes: Floats, times_s: Floats) -> tuple[float, float]:
    """The least absolute deviations of `fixed + slope · size`, both not negative, by a search over the slope."""
    middle_s = float(np.median(times_s))
    slopes = np.linspace(0.0, middle_s / float(np.median(sizes)), 51)
    fixed = [max(float(np.median(times_s - slope * sizes)), 1e-6) for slope in slopes]
    losses = [np.abs(times_s - f - slope * sizes).sum() for f, slope in zip(fixed, slopes, strict=True)]
    best = int(np.argmin(losses))
    return fixed[best], float(slopes[best])
