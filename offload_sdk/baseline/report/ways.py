"""The ways in which an image was classified: one target in one form of upload. A line of each table, a bar of each
figure. No statistics and no text but the names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from offload_sdk._types import OptionPath
from offload_sdk.baseline.measurement import Measurement, PayloadKind
from offload_sdk.baseline.summary import Series, Summary, Target
from offload_sdk.report.picture import CLOUD_COLOURS, LOCAL_COLOUR

__all__ = ["Way", "measured", "printable", "ways_of"]

_MOST_CHARACTERS = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """`name` is fit to be shown. `place` counts the ways from 0, for a marker and a line style of their own."""

    name: str
    target: Target
    series: Series
    colour: str
    place: int

    @property
    def path(self) -> OptionPath:
        return self.target.path

    @property
    def hollow(self) -> bool:
        """Whether its bars are outlines: the original file, beside the SDK's payload."""
        return self.series is self.target.original

    @property
    def payload(self) -> PayloadKind:
        return self.series.payload


def ways_of(summary: Summary) -> tuple[Way, ...]:
    """Return the ways in the order of the targets, each target's original upload behind the SDK's."""
    ways: list[Way] = []
    clouds = 0
    for target in summary.targets:
        colour = LOCAL_COLOUR if target.path == "local" else CLOUD_COLOURS[clouds % len(CLOUD_COLOURS)]
        clouds += target.path == "remote"
        forms = [target.series] if target.original is None else [target.series, target.original]
        for series in forms:
            form = "" if len(forms) == 1 else " (original file)" if series is target.original else " (SDK payload)"
            name = printable(target.name) + form
            ways.append(Way(name=name, target=target, series=series, colour=colour, place=len(ways)))
    return tuple(ways)


def measured(way: Way, measurements: Iterable[Measurement]) -> Sequence[Measurement]:
    """Return what was measured of this way."""
    name, payload = way.target.name, way.payload
    return [m for m in measurements if m.target == name and m.payload == payload]


def printable(text: object, most: int = _MOST_CHARACTERS) -> str:
    """Return a text that can stand in a page and a picture: no control characters, no line's end, not too long."""
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(text))
    return shown if len(shown) <= most else shown[: most - 1] + "…"
