"""Writes the report's folder: tables as CSV, figures as PNG and SVG, the page. The only I/O of this package."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from offload_sdk.baseline.measurement import Measurement
from offload_sdk.baseline.summary import Summary
from offload_sdk.errors import OffloadError

__all__ = ["write"]


def write(summary: Summary, measurements: Sequence[Measurement], out: Path) -> list[Path]:
    """Write the report on an experiment into the folder `out`, which is made, and return the files: the
    figures, `table_1.csv`, `table_2.csv`, and `report.html` last.

    Without measurements (imported runs) the parts that need them are left out. Files of the same names are
    replaced. Raises `ConfigurationError` without matplotlib or jinja2, `OffloadError` when a file cannot be
    written.
    """
    from offload_sdk.baseline.report.contents import contents
    from offload_sdk.baseline.report.page import page
    from offload_sdk.baseline.report.tables import to_csv
    from offload_sdk.report.picture import save

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:  # before the drawing, which takes some seconds
        raise OffloadError(f"the folder {out} cannot be made: {error.strerror or error}") from None
    found = contents(summary, measurements)
    texts = {f"{name}.csv": to_csv(table) for name, table in found.files.items()}
    texts["report.html"] = page(found.title, found.facts, found.findings, found.sections)
    written: list[Path] = []
    for section in found.sections:
        for drawing in section.drawings:
            for suffix in ("png", "svg"):
                written.append(out / f"{drawing.name}.{suffix}")
                save(drawing.figure, written[-1])
    for name, text in texts.items():
        written.append(out / name)
        try:
            written[-1].write_text(text, encoding="utf-8", newline="")
        except OSError as error:
            raise OffloadError(f"{written[-1]} cannot be written: {error.strerror or error}") from None
    return written
