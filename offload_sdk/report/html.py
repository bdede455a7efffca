"""A `Report` as one page that needs nothing else: no script, no address, styles inside. Everything is escaped."""

from __future__ import annotations

from html import escape

from offload_sdk._version import __version__
from offload_sdk.report.render import BASELINE_TITLE, HEADER, NOTES, TITLE, cells, facts
from offload_sdk.report.style import style
from offload_sdk.report.table import Report

__all__ = ["page"]

_ALT = "What each path was predicted to take, what it took, and which one was chosen, over time"


def page(report: Report, *, source: str, chart: str | None = None) -> str:
    """Return the whole page.

    `source` names the log. `chart` is an `<svg>` element made by `chart.svg`, which escapes its own text; it is
    the one part that is put in as it is.
    """
    sections = [_section(TITLE, cells(report))] if report.images else []
    if report.baseline:
        title = f"{BASELINE_TITLE} ({report.baseline_images:,} images)"
        sections.append(_section(title, cells(report, baseline=True)))
    if chart is not None:
        picture = f'<div role="img" aria-label="{_ALT}">{chart}</div>'
        sections.append(f"<h2>Over time</h2>\n<figure>{picture}</figure>")
    notes = "".join(f"<p>{escape(note)}</p>" for note in NOTES)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>Local against cloud: {escape(source)}</title>
<style>{style()}</style>
</head>
<body>
<h1>Local against cloud</h1>
<p>{escape(facts(report))}</p>
{chr(10).join(sections)}
<div class="notes">{notes}<p>{escape(source)}, by offload-sdk {escape(__version__)}</p></div>
</body>
</html>
"""


def _section(title: str, lines: list[tuple[str, ...]]) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in HEADER)
    body = "\n".join(_row(line) for line in lines)
    return (
        f"<h2>{escape(title)}</h2>\n"
        f'<div class="wide"><table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>'
    )


def _row(line: tuple[str, ...]) -> str:
    kind = "whole" if line[0] == "as decided" else "option"
    return f'<tr class="{kind}">' + "".join(f"<td>{escape(cell)}</td>" for cell in line) + "</tr>"
