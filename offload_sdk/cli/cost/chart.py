"""The picture of monthly cost against arrival rate, with the rates at which another platform becomes the cheapest.

Needs matplotlib (the extra `report`), which is loaded by the function and used without its global state. Colours
are those of Okabe and Ito, which people with any colour vision tell apart; line styles say the same once more.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from offload_sdk.cli.cost.question import Answer
from offload_sdk.errors import ConfigurationError, OffloadError
from offload_sdk.pricing.compare import cost_curve
from offload_sdk.pricing.platform import Platform

__all__ = ["draw"]

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))
_POINTS = 600
_LEAST_LABEL_GAP = 0.06
"""In decades: labels of break points that are nearer to each other would overlap."""


def draw(answer: Answer, path: Path) -> None:
    """Write the picture in the format of the path's suffix.

    Raises `ConfigurationError` for another suffix or without matplotlib, `OffloadError` if it cannot be written.
    """
    kind = path.suffix.lower().lstrip(".")
    if kind not in ("png", "svg", "pdf"):
        raise ConfigurationError(f"{path} must end in .png, .svg or .pdf")
    try:
        from matplotlib.figure import Figure
        from matplotlib.ticker import FuncFormatter
    except ImportError:
        raise ConfigurationError("pictures need matplotlib: pip install 'offload-sdk[report]'") from None
    question = answer.question
    rate = question.load.images_per_s
    low, high = min(rate, 1.0) / 30.0, max(rate, 1.0) * 30.0
    rates = [low * (high / low) ** (index / (_POINTS - 1)) for index in range(_POINTS)]
    figure = Figure(figsize=(10.0, 6.0), layout="constrained")
    axes = figure.add_subplot()
    asked = question.load, question.prices, question.operation, question.overheads
    for index, platform in enumerate(_drawn(answer)):
        usd = cost_curve(platform, *asked)
        axes.plot(
            rates,
            [usd(each) for each in rates],
            color=_COLOURS[index],
            linestyle=_LINES[index],
            label=f"{platform.name}: {platform.title}{', at best' if platform.best_case else ''}",
        )
    axes.set(xscale="log", yscale="log", xlim=(low, high))
    axes.axvline(rate, color="black", linewidth=1.0)
    axes.annotate(f" {rate:g}/s asked for", (rate, 0.96), xycoords=("data", "axes fraction"), fontsize="small")
    labelled = 0.0
    for change in answer.changes:
        at = change.images_per_s
        if not low <= at <= high:
            continue
        axes.axvline(at, color="#888888", linewidth=0.8, linestyle=":")
        if at > labelled * 10.0**_LEAST_LABEL_GAP:
            axes.annotate(
                f"{change.after} above {at:.3g}",
                (at, 0.02),
                xycoords=("data", "axes fraction"),
                rotation=90,
                verticalalignment="bottom",
                horizontalalignment="right",
                fontsize="x-small",
            )
            labelled = at
    axes.set_xlabel("images a second while the cameras are on")
    axes.set_ylabel("US dollars a month")
    axes.set_title("Monthly cost by platform; dotted where another becomes the cheapest", loc="left")
    axes.grid(True, which="both", alpha=0.2)
    plain = FuncFormatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_major_formatter(plain)
    axes.yaxis.set_major_formatter(plain)
    axes.yaxis.set_minor_formatter(plain)
    axes.tick_params(axis="y", which="minor", labelsize="x-small")
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize="small")
    content = BytesIO()
    figure.savefig(content, format=kind, dpi=130)
    try:
        path.write_bytes(content.getvalue())
    except OSError as error:
        raise OffloadError(f"the picture {path} cannot be written: {error.strerror}") from None


def _drawn(answer: Answer) -> list[Platform]:
    """Return the candidates that are the cheapest somewhere, then the others by cost, as many as have colours."""
    somewhere = {name for change in answer.changes for name in (change.before, change.after)}
    names = {platform.name for platform in answer.question.candidates}
    offered = [offer.platform for offer in answer.offers if offer.platform.name in names]
    return sorted(offered, key=lambda platform: platform.name not in somewhere)[: len(_COLOURS)]
