"""What every path costs by list price: a run, 1,000 images, a month with its overheads; and how far stated costs
are from that. Prices and bills are `offload_sdk.pricing`'s."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from offload_sdk.baseline.measurement import PayloadKind
from offload_sdk.baseline.report.numbers import NOTHING, column, share, usd
from offload_sdk.baseline.report.section import Section
from offload_sdk.baseline.report.tables import Table
from offload_sdk.baseline.report.ways import Way, printable
from offload_sdk.baseline.summary import Summary
from offload_sdk.pricing import Bill, Platform, run_cost_usd
from offload_sdk.pricing.load import Load, Operation
from offload_sdk.pricing.month import monthly_bill
from offload_sdk.pricing.price_list import PriceList, shipped_prices
from offload_sdk.pricing.published import published_runs

__all__ = ["costs"]

_LEAST_SERVER_S = 1e-6  # a server may say that it took no time at all


def costs(summary: Summary, ways: Sequence[Way], server_s: Mapping[PayloadKind, float]) -> Section:
    """Nothing without a way that is priced. `server_s` is the server's time for an image in each form."""
    prices = shipped_prices()
    priced = [(way, found) for way in ways if (found := prices.platforms.get(way.target.platform or ""))]
    if not priced:
        return Section(anchor="cost", title="Cost")
    bills = [
        (way, _month(way, platform, prices, max(server_s[way.payload], _LEAST_SERVER_S)))
        for way, platform in priced
        if way.series is way.target.series and way.series.mean_s
    ]
    tables = [_stated(priced) if summary.imported else _runs(ways, prices)]
    if bills:
        tables.append(_months(bills))
    return Section(
        anchor="cost",
        title="Cost",
        text=() if summary.imported else (_published(prices),),
        tables=tuple(tables),
        notes=(_sources(priced, prices), *_assumed(ways), *_free(summary)),
    )


def _runs(ways: Sequence[Way], prices: PriceList) -> Table:
    """Each way's run and 1,000 images, as they were counted."""
    known = [way for way in ways if way.series.mean_cost_usd is not None]
    platforms = [prices.platforms.get(way.target.platform or "") for way in known]
    per_thousand: list[float | None] = []
    for way in known:
        images = sum(run.images or 0 for run in way.series.runs)
        usd_of_all = sum(run.cost_usd or 0.0 for run in way.series.runs)
        per_thousand.append(1000.0 * usd_of_all / images if images else None)
    hours = column([platform.usd_per_h if platform else None for platform in platforms], least=4)
    runs = column([way.series.mean_cost_usd for way in known], digits=2)
    return Table(
        title="What an image costs",
        columns=("Platform", "Priced as", "USD an hour", "USD a run", "USD per 1,000 images"),
        cells=tuple(
            (way.name, platform.title if platform else "this device's energy", hour, run, thousand)
            for way, platform, hour, run, thousand in zip(
                known, platforms, hours, runs, column(per_thousand, digits=2), strict=True
            )
        ),
        notes=(
            "A run is priced as one unit that runs just as long, at least for a minute, with nothing beside it.",
        ),
    )


def _stated(priced: Sequence[tuple[Way, Platform]]) -> Table:
    """What imported runs are said to have cost, beside what list prices give for as many seconds."""
    rows = []
    for way, platform in priced:
        stated_usd, total_s = way.series.mean_cost_usd, way.series.mean_total_s
        list_usd = None if total_s is None else run_cost_usd(platform, total_s)
        factor = stated_usd / list_usd if stated_usd and list_usd else None
        rows.append((way.name, platform.title, usd(stated_usd), usd(list_usd), factor))
    return Table(
        title="Stated cost of a run against list prices",
        columns=("Platform", "Priced as", "Stated", "By list price", "Stated / list"),
        cells=tuple((*row, NOTHING if factor is None else f"{factor:.1f}") for *row, factor in rows),
        notes=(
            "By list price: one unit that runs just as long, with nothing beside it. What is stated beyond that "
            "is not explained by the imported figures; overheads such as those below are paid in full when a "
            "run is all that a service does.",
        ),
    )


def _month(way: Way, platform: Platform, prices: PriceList, server_s: float) -> Bill:
    runs = way.series.runs
    images = sum(run.images or 0 for run in runs)
    sent, received = (sum(getattr(run, name) or 0 for run in runs) for name in ("sent_bytes", "received_bytes"))
    assert way.series.mean_s
    load = Load(images_per_s=1.0 / way.series.mean_s, service_s=server_s)
    if images and sent and received:
        load = Load(
            images_per_s=load.images_per_s,
            service_s=server_s,
            sent_bytes=sent / images,
            received_bytes=received / images,
        )
    return monthly_bill(platform, load, prices, operation=Operation(scaling="fixed"))


def _months(bills: Sequence[tuple[Way, Bill]]) -> Table:
    """A bill a column, line by line."""
    lines = list(dict.fromkeys((line.name, line.overhead) for _, bill in bills for line in bill.lines))

    def amount(bill: Bill, name: str) -> str:
        found = [line.usd for line in bill.lines if line.name == name]
        return f"{sum(found):,.2f}" if found else NOTHING

    cells = [
        (f"{name} (overhead)" if over else name, *(amount(b, name) for _, b in bills)) for name, over in lines
    ]
    cells.append(("in all", *(f"{bill.total_usd:,.2f}" for _, bill in bills)))
    cells.append(("of it overhead", *(share(bill.overhead_usd / bill.total_usd) for _, bill in bills)))
    return Table(
        title="A month of it, around the clock (USD)",
        columns=("", *(way.name for way, _ in bills)),
        cells=tuple(cells),
        notes=(
            "Modelled from list prices: one device sends one image after the other, as fast as in the experiment, "
            "to a service behind a load balancer. `offload-sdk cost` answers for other rates and without one.",
        ),
    )


def _published(prices: PriceList) -> str:
    told = [
        f"{run.platform} {usd(run.published_usd)} against {usd(run.list_usd)}, {run.factor:.1f} times as much"
        for run in published_runs(prices)
    ]
    return (
        "Costs here are list prices. The published study of the two platforms states more for a run than list "
        f"prices give ({'; '.join(told)}), and does not say for what."
    )


def _sources(priced: Sequence[tuple[Way, Platform]], prices: PriceList) -> str:
    figures = {name: prices.figures[name] for _, platform in priced for name in platform.figures}
    told = [
        f"{name} {figure.value:g} {figure.unit} ({figure.region or 'any region'}, {figure.checked})"
        for name, figure in figures.items()
        if figure.unit.startswith("USD")
    ]
    return f"Prices: {'; '.join(told)}. `offload-sdk cost --sources` says where each is from."


def _assumed(ways: Sequence[Way]) -> list[str]:
    names = list(dict.fromkeys(printable(way.target.name) for way in ways if way.target.platform_assumed))
    if not names:
        return []
    return [f"Nobody said where {', '.join(names)} runs: its platform is an assumption (`--platform` says it)."]


def _free(summary: Summary) -> list[str]:
    local = any(target.path == "local" and target.series.mean_cost_usd == 0.0 for target in summary.targets)
    if summary.imported or not local:
        return []
    return ["The device costs nothing here, as its energy has no price: the setting `usd_per_kwh` gives it one."]
