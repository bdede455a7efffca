"""Writes the report's folder: tables as CSV, figures as PNG and SVG, the page. The only I/O of this package."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from offload_sdk.baseline.measurement import Measurement
from offload_sdk.baseline.summary import Summary
from offload_sdk.errors import OffloadError

__all__ = ["write"]


def write(summary: Summary, measurements: Sequence[Measurement], out: Path) -> list[Path]:
    """Write the report on an experiment into the folder `out`, which is made, and return the files in order:
    `table_1.csv`, `table_2.csv`, the figures, `report.html` last.

    Without measurements (imported runs) the parts that need them are left out. Files of the same names are
    replaced. Raises `ConfigurationError` without matplotlib or jinja2, `OffloadError` when a file cannot be
    written.
    """
    from offload_sdk.baseline.report.contents import contents
    from offload_sdk.baseline.report.page import page
    from offload_sdk.baseline.report.tables import to_csv
    from offload_sdk.report.picture import save

    found = contents(summary, measurements)
    text = page(found.title, found.facts, found.findings, found.sections)
    written: list[Path] = []
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, table in found.files.items():
            written.append(out / f"{name}.csv")
            written[-1].write_text(to_csv(table), encoding="utf-8", newline="")
    except OSError as error:
        raise OffloadError(f"the report cannot be written to {out}: {error.strerror or error}") from None
    for section in found.sections:
        for drawing in section.drawings:
            for suffix in ("png", "svg"):
                written.append(out / f"{drawing.name}.{suffix}")
                save(drawing.figure, written[-1])
    written.append(out / "report.html")
    try:
        written[-1].write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise OffloadError(f"{written[-1]} cannot be written: {error.strerror or error}") from None
    return written
