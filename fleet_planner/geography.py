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
_CHUNK = 8192  # devices at a time, so that the index's own list of pairs stays small


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

    A k-d tree on the unit sphere finds them by the chord, which grows with the great circle, so neither poles nor
    the date line are special.
    """
    from scipy.spatial import cKDTree

    chord = 2.0 * np.sin(min(radius_m / EARTH_RADIUS_M, np.pi) / 2.0)
    targets = cKDTree(_on_unit_sphere(to_lat_deg, to_lon_deg))
    points = _on_unit_sphere(lat_deg, lon_deg)
    counts, places, distances = [np.zeros(1, np.int64)], [np.empty(0, np.int32)], [np.empty(0)]
    for first in range(0, len(points), _CHUNK) if len(to_lat_deg) else ():
        some = points[first : first + _CHUNK]
        # Rounding must not lose a place that lies exactly on the circle.
        pairs = cKDTree(some).sparse_distance_matrix(targets, chord * (1 + 1e-12) + 1e-15, output_type="ndarray")
        pairs = pairs[np.lexsort((pairs["j"], pairs["i"]))]
        counts.append(np.bincount(pairs["i"], minlength=len(some)))
        places.append(pairs["j"].astype(np.int32))
        distances.append(2.0 * EARTH_RADIUS_M * np.arcsin(np.minimum(pairs["v"] / 2.0, 1.0)))
    if not len(to_lat_deg):
        counts.append(np.zeros(len(points), np.int64))
    return Reach(
        start=np.cumsum(np.concatenate(counts)), place=np.concatenate(places), distance_m=np.concatenate(distances)
    )


def _on_unit_sphere(lat_deg: FloatArray, lon_deg: FloatArray) -> FloatArray:
    lat, lon = np.radians(lat_deg), np.radians(lon_deg)
    return np.column_stack((np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)))
