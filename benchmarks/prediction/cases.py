"""One case: a link, a payload, a way to watch it and a seed; every predictor on the same images. No output."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.policies.links import SPLICED, load, splice
from benchmarks.policies.scene import Arrivals, Scene, draw_images
from benchmarks.prediction.forecast import Forecast
from benchmarks.prediction.hindsight import hindsight
from benchmarks.prediction.links import STATIONARY
from benchmarks.prediction.predictors import BOARD_S, MAKERS
from benchmarks.prediction.score import Floats, rows_of
from benchmarks.prediction.watch import Watched, Way, watch
from offload_sdk.testing import LinkTrace

__all__ = ["HINDSIGHT", "PARTS", "Case", "Played", "play"]

HINDSIGHT = "hindsight"
PARTS = ("round trip", "transfer", "server")
_SERVER_SPREAD = 0.05  # as the scenes draw it
_SPLICED_S = 600.0
_STATIONARY = {link.name: link for link in STATIONARY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`trace` is a name of the folder, of a stationary link, or `spliced` (from pieces of `splice_s`)."""

    folder: Path
    trace: str
    splice_s: float
    payload_bytes: int
    way: Way
    seed: int
    images: int
    server_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """`rows` as `rows_of` makes them, by predictor. `part_errors`: relative errors of the SDK's parts, a row an
    upload that was answered, columns as `PARTS`."""

    case: Case
    rows: Mapping[str, Floats]
    part_errors: Floats


def play(case: Case) -> Played:
    """Watch the link with every predictor, and look back."""
    watched = watch(_scene(case), {name: make(case.payload_bytes) for name, make in MAKERS.items()}, case.way)
    truths_s = [sighting.truth_s for sighting in watched.sightings]
    rows = {
        name: rows_of([sighting.forecasts[name] for sighting in watched.sightings], truths_s) for name in MAKERS
    }
    rows[HINDSIGHT] = rows_of(_possible(case, watched), truths_s)
    foretold = np.array([part.foretold_s for part in watched.parts]).reshape(-1, len(PARTS))
    true = np.array([part.true_s for part in watched.parts]).reshape(-1, len(PARTS))
    with np.errstate(divide="ignore"):
        return Played(case=case, rows=rows, part_errors=np.abs(foretold - true) / true)


def _possible(case: Case, watched: Watched) -> list[Forecast]:
    """The law itself where it is known, else what the run taught afterwards."""
    link = _STATIONARY.get(case.trace)
    if link is None or case.way == "open":  # there an image waits for others, which the law does not tell
        return [*hindsight(watched)]
    sd_s = _SERVER_SPREAD * case.server_s
    return [link.law(sighting.size_bytes, case.server_s, sd_s) for sighting in watched.sightings]


def _scene(case: Case) -> Scene:
    rng = random.Random(f"{case.seed}/{case.trace}/{case.payload_bytes}")
    link = _link(case)
    arrivals: Arrivals = "open" if case.way in ("open", "raced") else "closed"
    return Scene(
        link=link,
        origin_s=0.0 if case.trace == SPLICED else rng.uniform(0.0, link.duration_s),
        images=draw_images(
            case.images,
            arrivals=arrivals,
            board_s=BOARD_S,
            payload_bytes=case.payload_bytes,
            server_s=case.server_s,
            rng=rng,
        ),
        arrivals=arrivals,
        board_s=BOARD_S,
        payload_bytes=case.payload_bytes,
        deadline_s=2.0 * BOARD_S,
        duplicates_frac=1.0,
        seed=case.seed,
    )


def _link(case: Case) -> LinkTrace:
    if case.trace == SPLICED:
        return splice(case.folder, case.splice_s, _SPLICED_S, case.seed)
    stationary = _STATIONARY.get(case.trace)
    return load(case.folder, case.trace) if stationary is None else stationary.trace(case.seed)
