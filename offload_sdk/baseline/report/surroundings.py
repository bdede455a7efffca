"""Where and how the experiment was made, as the page tells it: the device, the links, the method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from offload_sdk.baseline.report.numbers import NOTHING, rounded, seconds, size
from offload_sdk.baseline.report.section import Section
from offload_sdk.baseline.report.tables import Table
from offload_sdk.baseline.report.ways import Way, printable
from offload_sdk.baseline.run import WARM_UPS
from offload_sdk.baseline.summary import Summary

__all__ = ["method", "surroundings"]


def surroundings(summary: Summary) -> Section:
    """The device, and the link to each server, as far as they are known."""
    tables = []
    machine = {name: value for name, value in summary.machine.items() if value is not None}
    if machine:
        unknown = [_words(name) for name in summary.machine if name not in machine]
        tables.append(
            Table(
                title="The device",
                columns=("", "What was found"),
                cells=tuple((_words(name), _fact(name, value)) for name, value in machine.items()),
                notes=(f"Not known: {', '.join(unknown)}.",) if unknown else (),
            )
        )
    links = {name: link for name, link in summary.links.items() if link}
    if links:
        tables.append(_links(links))
    return Section(anchor="surroundings", title="Device and links", tables=tuple(tables))


def method(summary: Summary, ways: Sequence[Way]) -> Section:
    """How it was measured, and what was not."""
    if summary.imported:
        imported = (
            "The runs were measured elsewhere and imported: per run its total time, mean time per image and "
            "cost. Means and sample standard deviations over the runs are computed here."
        )
        return Section(anchor="method", title="Method", text=(imported,))
    text = [
        "One image a request, one request at a time. Images came in an order drawn for each run; each went to all "
        "targets in all forms of upload, one right after the other, in an order drawn for it, so that a drift of "
        f"the device or of a link favours none of them. All were warmed up with {WARM_UPS} images, not counted.",
        "The time of an image runs from its file's name to the answer, with reading, decoding and encoding on the "
        "device; the total time is the sum over the images, failures included; the mean is over answered images. "
        "Deviations are sample standard deviations over the runs.",
        "A failed request is counted and not repeated; it is in the total time and in no mean.",
    ]
    modelled = [way.name for way in ways if way.series.energy_source == "modelled"]
    if modelled:
        text.append(f"Energy is modelled, from powers of the board and times, for {', '.join(modelled)}.")
    return Section(anchor="method", title="Method", text=tuple(text))


def _links(links: Mapping[str, Mapping[str, object]]) -> Table:
    """A column per link; words, which say how it was measured, stand below."""
    names = list(dict.fromkeys(name for link in links.values() for name in link))
    words = [name for name in names if any(isinstance(link.get(name), str) for link in links.values())]
    told = dict.fromkeys(printable(link[name], 200) for name in words for link in links.values() if name in link)
    return Table(
        title="The links",
        columns=("", *(printable(target) for target in links)),
        cells=tuple(
            (_words(name), *(_fact(name, link.get(name)) for link in links.values()))
            for name in names
            if name not in words
        ),
        notes=tuple(told),
    )


def _words(name: str) -> str:
    """A field's name in words; its unit stands with the value."""
    for suffix in ("_bytes_per_s", "_bytes", "_frac", "_c", "_s"):
        name = name.removesuffix(suffix)
    return printable(name).replace("_", " ")


def _fact(name: str, value: object) -> str:
    """A value with the unit that its name tells."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, (int, float)):
        return printable(value, 200)
    if name.endswith("_bytes_per_s"):
        return f"{rounded(value * 8.0 / 1e6)} Mbit/s"
    if name.endswith("_bytes"):
        return size(value)
    if name.endswith("_frac"):
        return f"{100.0 * value:.0f} %"
    if name.endswith("_c"):
        return f"{value:.0f} °C"
    if name.endswith("_s"):
        return seconds(value)
    return f"{value:,}" if isinstance(value, int) else rounded(value)
