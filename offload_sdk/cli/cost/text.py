"""The answer as text for a terminal or a pipe, and as a dictionary for JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from offload_sdk.cli.cost.question import LOWEST_PER_S, Answer, Question, RunCost
from offload_sdk.pricing.bill import Bill
from offload_sdk.pricing.compare import Offer
from offload_sdk.pricing.price_list import PriceList
from offload_sdk.pricing.published import PublishedRun
from offload_sdk.report.plain import aligned

__all__ = [
    "answer_dict",
    "answer_text",
    "published_list",
    "published_text",
    "runs_text",
    "sources_list",
    "sources_text",
]

_OFFERS = ("platform", "what", "units", "$ a month", "of it overhead", "$/1,000 images", "terms")
_MOST_CHANGES = 12
_SCALING = {
    "fixed": "the units of the busy hours run always",
    "auto": "auto scaling, one unit stays",
    "zero": "auto scaling down to none",
}
_TERMS = {"on-demand": "on demand", "spot": "Spot", "committed": "committed"}


def answer_text(answer: Answer) -> str:
    blocks = [
        _heading(answer.question),
        aligned([_OFFERS, *map(_offer, answer.offers)], left=(0, 1)),
        f"Cheapest of {_candidates(answer.question)}: {answer.best.platform.name}, a month's bill:\n"
        + _bill(answer.best.bill),
        _changes(answer),
        _notes(answer),
    ]
    return "\n\n".join(block for block in blocks if block)


def answer_dict(answer: Answer) -> dict[str, Any]:
    """Return plain values; units stand in the names."""
    question = answer.question
    return {
        "load": {**asdict(question.load), "images_per_month": question.load.images_per_month},
        "operation": asdict(question.operation),
        "overheads": asdict(question.overheads),
        "cheapest": answer.best.platform.name,
        "candidates": [platform.name for platform in question.candidates],
        "break_points": [asdict(change) for change in answer.changes],
        "break_points_between_per_s": [LOWEST_PER_S, question.highest_per_s],
        "platforms": [
            {
                "name": offer.platform.name,
                "title": offer.platform.title,
                "terms": offer.platform.terms,
                "best_case": offer.platform.best_case,
                **asdict(offer.running),
                "usd_per_month": offer.usd_per_month,
                "overhead_usd_per_month": offer.bill.overhead_usd,
                "usd_per_1000_images": offer.usd_per_1000_images,
                "lines": [{**asdict(line), "usd": line.usd} for line in offer.bill.lines],
            }
            for offer in answer.offers
        ],
    }


def runs_text(costs: Sequence[RunCost]) -> str:
    """Return what a run costs on each platform."""
    lines = [
        (cost.platform, cost.title, f"{cost.billed_s:.2f}", f"{cost.usd:.5f}", f"{cost.usd_per_1000_images:.5f}")
        for cost in costs
    ]
    return aligned([("platform", "what", "billed s", "$ a run", "$/1,000 images"), *lines], left=(0, 1))


def published_list(runs: Iterable[PublishedRun]) -> list[dict[str, Any]]:
    return [{**asdict(run), "factor": run.factor} for run in runs]


def published_text(runs: Iterable[PublishedRun]) -> str:
    """Return S0's published costs of a run beside what list prices give, with the factor between them."""
    lines = [
        (
            run.platform,
            f"{run.total_s:.2f} s",
            f"{run.list_usd:.4f}",
            f"{run.published_usd:.2f}",
            f"{run.factor:.1f}",
            f"{run.explained_by_h:.2f} h",
        )
        for run in runs
    ]
    header = ("platform", "one run", "$ by list price", "$ published", "factor", "paid time that would explain it")
    return (
        aligned([header, *lines], left=(0, 1))
        + "\n\nWhat the published cost is made of is not known. A unit that was paid for so long in all, idle most"
        "\nof that time, would have cost as much."
    )


def sources_list(prices: PriceList) -> list[dict[str, Any]]:
    return [asdict(figure) for figure in prices.figures.values()]


def sources_text(prices: PriceList) -> str:
    """Return every figure of the price list with its source."""
    lines = [
        (
            figure.name,
            f"{figure.value:g}",
            figure.unit,
            figure.region or "",
            figure.checked,
            f"{'ASSUMED: ' if figure.assumption else ''}{figure.source}",
        )
        for figure in prices.figures.values()
    ]
    return aligned([("figure", "value", "unit", "region", "checked", "source"), *lines], left=(0, 2, 3, 4, 5))


def _heading(question: Question) -> str:
    load, operation = question.load, question.operation
    dates = sorted(prices.checked for prices in question.prices.figures.values() if "USD" in prices.unit)
    return (
        f"{load.images_per_s:g} images/s, {load.hours_per_day:g} h a day: {load.images_per_month:,.0f} images a "
        f"month of {1e3 * load.service_s:g} ms of one vCPU each.\n"
        f"{_SCALING[operation.scaling]}; {100 * operation.utilisation_frac:g} % load; {_overheads(question)}; "
        f"prices as looked up from {dates[0]} to {dates[-1]} (--sources)."
    )


def _overheads(question: Question) -> str:
    if not question.overheads.counted:
        return "no overheads"
    return f"overheads {'with' if question.overheads.load_balancer else 'without'} a load balancer"


def _offer(offer: Offer) -> tuple[str, ...]:
    platform = offer.platform
    return (
        platform.name,
        platform.title,
        f"{offer.running.units:,}",
        f"{'≥ ' if platform.best_case else ''}{offer.usd_per_month:,.2f}",
        f"{offer.bill.overhead_usd:,.2f}",
        f"{offer.usd_per_1000_images:.3g}",
        _TERMS[platform.terms],
    )


def _candidates(question: Question) -> str:
    names = [platform.name for platform in question.candidates]
    return ", ".join(names) if len(names) <= 5 else f"{len(names)} platforms"


def _bill(bill: Bill) -> str:
    lines = [
        (line.name, f"{line.amount:,.3f}", line.unit, f"{line.usd_per_unit:g}", f"{line.usd:,.2f}")
        for line in bill.lines
    ]
    lines.append(("total", "", "", "", f"{bill.total_usd:,.2f}"))
    return aligned([("", "amount", "of", "$ each", "$"), *lines], left=(0, 2))


def _changes(answer: Answer) -> str:
    question, changes = answer.question, answer.changes
    if len(question.candidates) < 2:
        return ""
    first = changes[0].before if changes else answer.best.platform.name
    texts = [f"{first} from {LOWEST_PER_S:g} images/s"]
    texts += [f"{change.after} above {change.images_per_s:.6g}" for change in changes[:_MOST_CHANGES]]
    if len(changes) > _MOST_CHANGES:
        texts.append(f"and {len(changes) - _MOST_CHANGES} more changes (--json has all)")
    return f"Cheapest by arrival rate, up to {question.highest_per_s:.6g} images/s:\n  " + "\n  ".join(texts)


def _notes(answer: Answer) -> str:
    platforms = [offer.platform for offer in answer.offers]
    notes = []
    if any(platform.best_case for platform in platforms):
        notes.append('≥: by an advertised "up to" discount; what is paid is no less.')
    if any(platform.terms == "committed" for platform in platforms):
        notes.append("committed: for one or three years, and paid whether it runs or not.")
    if any(platform.terms == "spot" for platform in platforms):
        notes.append("Spot: may be taken back within two minutes; the device then answers itself.")
    if any("ARM" in platform.title for platform in platforms):
        notes.append("An ARM vCPU is taken to be as quick as an x86 one.")
    return "\n".join(notes)
