"""Places on the globe: great-circle distances, and which servers are within reach of which device.

Angles are degrees, distances metres, on a sphere of the Earth's mean radius. Knows no technology and no delay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["EARTH_RADIUS_M", "BoolArray", "FloatArray", "IntArray", "Reach", "haversine_m", "within"]

BoolArray: TypeAlias = NDArray[np.bool_]
FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.integer[Any]]

EARTH_RADIUS_M = 6_371_008.8
_CHUNK = 4096  # devices at a time, so that lists of pairs stay small
_MANY_FRAC = 0.01  # from this share of all pairs on it is quicker to look at all of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """A sparse matrix by rows: row i reaches the places `place[start[i]:start[i + 1]]`, ascending.

    `distance_m` stands beside `place`.
    """

    start: IntArray
    place: IntArray
    distance_m: FloatArray

    @property
    def count(self) -> IntArray:
        """How many places each row reaches."""
        return np.diff(self.start)


def haversine_m(
    lat_deg: FloatArray, lon_deg: FloatArray, to_lat_deg: FloatArray, to_lon_deg: FloatArray
) -> FloatArray:
    """Return great-circle distances; the arguments broadcast."""
    lat, lon, to_lat, to_lon = (np.radians(each) for each in (lat_deg, lon_deg, to_lat_deg, to_lon_deg))
    chord = np.sin((to_lat - lat) / 2) ** 2 + np.cos(lat) * np.cos(to_lat) * np.sin((to_lon - lon) / 2) ** 2
    distance: FloatArray = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(chord, 1.0)))
    return distance


def within(
    lat_deg: FloatArray, lon_deg: FloatArray, to_lat_deg: FloatArray, to_lon_deg: FloatArray, radius_m: float
) -> Reach:
    """Return which of the second places lie within `radius_m` (inclusive) of each of the first.

    Distances are compared as chords on the unit sphere, which grow with the great circle, so neither poles nor the
    date line are special. A k-d tree finds the few that are near; where many are, all pairs are quicker.
    """
    from scipy.spatial import cKDTree

    # Rounding must not lose a place that lies exactly on the circle.
    chord = 2.0 * np.sin(min(radius_m / EARTH_RADIUS_M, np.pi) / 2.0) * (1 + 1e-12) + 1e-15
    points, places = _on_unit_sphere(lat_deg, lon_deg), _on_unit_sphere(to_lat_deg, to_lon_deg)
    targets = cKDTree(places) if len(places) else None
    counts, found, distances = [np.zeros(1, np.int64)], [np.empty(0, np.int32)], [np.empty(0)]
    for first in range(0, len(points), _CHUNK):
        some = points[first : first + _CHUNK]
        if targets is None:
            counts.append(np.zeros(len(some), np.int64))
            continue
        tree = cKDTree(some)
        if tree.count_neighbors(targets, chord) > _MANY_FRAC * len(some) * len(places):
            near, place, apart = _all_pairs(some, places, chord)
        else:
            pairs = tree.sparse_distance_matrix(targets, chord, output_type="ndarray")
            pairs = pairs[np.lexsort((pairs["j"], pairs["i"]))]
            near, place, apart = pairs["i"], pairs["j"], pairs["v"]
        counts.append(np.bincount(near, minlength=len(some)))
        found.append(place.astype(np.int32))
        distances.append(2.0 * EARTH_RADIUS_M * np.arcsin(np.minimum(apart / 2.0, 1.0)))
    return Reach(
        start=np.cumsum(np.concatenate(counts)), place=np.concatenate(found), distance_m=np.concatenate(distances)
    )


def _all_pairs(points: FloatArray, places: FloatArray, chord: float) -> tuple[IntArray, IntArray, FloatArray]:
    """Return the pairs no further apart than `chord`, by rows, and their chords: |a - b|² = 2 - 2 a·b."""
    cosine = points @ places.T
    # The last digits of a·b are worth centimetres between neighbours, so these are measured again; none is lost.
    near, place = np.nonzero(cosine >= 1.0 - 0.5 * chord**2 - 1e-15)
    apart = np.sqrt(np.maximum(2.0 - 2.0 * cosine[near, place], 0.0))
    doubtful = np.flatnonzero((apart < 1e-4) | (np.abs(apart - chord) < 1e-8))
    apart[doubtful] = np.linalg.norm(points[near[doubtful]] - places[place[doubtful]], axis=1)
    kept = apart <= chord
    return near[kept], place[kept], apart[kept]


def _on_unit_sphere(lat_deg: FloatArray, lon_deg: FloatArray) -> FloatArray:
    lat, lon = np.radians(lat_deg), np.radians(lon_deg)
    return np.column_stack((np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)))
