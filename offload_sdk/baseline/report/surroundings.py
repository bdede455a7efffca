"""Where and how the experiment was made, as the page tells it: the machine, the links, the method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from offload_sdk.baseline.measurement import Measurement
from offload_sdk.baseline.report.numbers import NOTHING, rounded
from offload_sdk.baseline.report.section import Section
from offload_sdk.baseline.report.tables import Table
from offload_sdk.baseline.report.ways import Way, printable
from offload_sdk.baseline.summary import Summary

__all__ = ["method", "surroundings"]


def surroundings(summary: Summary) -> Section:
    """The machine, and the link to each server, a line each."""
    tables = []
    if summary.machine:
        tables.append(_facts("The device", summary.machine))
    links = {name: link for name, link in summary.links.items() if link}
    if links:
        names = list(dict.fromkeys(name for link in links.values() for name in link))
        tables.append(
            Table(
                title="The links",
                columns=("", *(printable(target) for target in links)),
                cells=tuple(
                    (_words(name), *(_value(link.get(name)) for link in links.values())) for name in names
                ),
            )
        )
    return Section(anchor="surroundings", title="Device and links", tables=tuple(tables))


def method(summary: Summary, ways: Sequence[Way], measurements: Sequence[Measurement]) -> Section:
    """How it was measured, and what was not."""
    if summary.imported:
        imported = (
            "The runs were measured elsewhere and imported: per run its total time, mean time per image and "
            "cost. Means and sample standard deviations over the runs are computed here."
        )
        return Section(anchor="method", title="Method", text=(imported,))
    text = [
        "One image a request, one request at a time. The order of images and targets was drawn by chance for each "
        "run, so that a drift of the device or of a link favours none of them. Each target answered images that "
        "are not counted before the first one that is.",
        "The time of an image runs from its file's name to the answer, with reading, decoding and encoding on the "
        "device; the total time is the sum over the images, failures included; the mean is over answered images. "
        "Deviations are sample standard deviations over the runs.",
        "A failed request is counted and not repeated; it is in the total time and in no mean.",
    ]
    modelled = [way.name for way in ways if way.series.energy_source == "modelled"]
    if modelled:
        text.append(f"Energy is modelled, from powers of the board and times, for {', '.join(modelled)}.")
    return Section(anchor="method", title="Method", text=tuple(text))


def _facts(title: str, facts: Mapping[str, object]) -> Table:
    return Table(
        title=title,
        columns=("What", "Value"),
        cells=tuple((_words(name), _value(value)) for name, value in facts.items()),
    )


def _words(name: str) -> str:
    return printable(name).replace("_", " ")


def _value(value: object) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    return rounded(value) if isinstance(value, float) else printable(value)
