"""The experiment's results as files: `summary.json` and `images.csv`. Each appears whole or not at all."""

from __future__ import annotations

import contextlib
import csv
import json
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from io import StringIO
from pathlib import Path
from typing import Any

from offload_sdk.baseline.measurement import Measurement
from offload_sdk.baseline.summary import Summary, Target
from offload_sdk.errors import OffloadError
from offload_sdk.log.export import csv_cell

__all__ = ["images_csv", "summary_dict", "write_results"]

_FIGURES = tuple(
    field.name
    for field in fields(Measurement)
    if field.name not in ("run", "image", "target", "payload", "image_bytes")
)
_ORIGINAL = "original_"


def write_results(summary: Summary, measurements: Sequence[Measurement], out: Path) -> list[Path]:
    """Write both files and return their paths; no `images.csv` without measurements. Raises `OffloadError`."""
    texts = {"summary.json": json.dumps(summary_dict(summary), indent=2) + "\n"}
    if measurements:
        texts["images.csv"] = images_csv(measurements)
    return [_write(out / name, text) for name, text in texts.items()]


def summary_dict(summary: Summary) -> dict[str, Any]:
    """Return plain values: a target's own series stands in the target itself, `original` beside it."""
    return {
        "imported": summary.imported,
        "repeat": summary.repeat,
        "images": summary.images,
        "image_bytes": summary.image_bytes,
        "targets": [_target_dict(target) for target in summary.targets],
        "machine": dict(summary.machine),
        "links": {name: dict(link) for name, link in summary.links.items()},
    }


def _target_dict(target: Target) -> dict[str, Any]:
    return {
        "name": target.name,
        "path": target.path,
        "url": target.url,
        "platform": target.platform,
        "platform_assumed": target.platform_assumed,
        **asdict(target.series),
        "original": None if target.original is None else asdict(target.original),
    }


def images_csv(measurements: Iterable[Measurement]) -> str:
    """Return a line per run, image and target.

    The plain columns are of the form of upload that `payload` names, the SDK's where that was measured; then the
    whole file's figures stand beside it, in columns that begin with `original_`. Unknown is an empty field.
    """
    rows: defaultdict[tuple[int, str, str], list[Measurement]] = defaultdict(list)
    for measurement in measurements:
        rows[measurement.run, measurement.target, measurement.image].append(measurement)
    stream = StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    originals = [_ORIGINAL + name for name in _FIGURES]
    writer.writerow(["run", "image", "target", "payload", "image_bytes", *_FIGURES, *originals])
    for (run, target, image), forms in rows.items():
        first, *second = sorted(forms, key=lambda m: m.payload == "original")
        writer.writerow(
            [run, csv_cell(image), target, first.payload, first.image_bytes]
            + [csv_cell(getattr(first, name)) for name in _FIGURES]
            + [csv_cell(getattr(second[0], name)) if second else "" for name in _FIGURES]
        )
    return stream.getvalue()


def _write(path: Path, text: str) -> Path:
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8", newline="")
        os.replace(part, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise OffloadError(f"{path} cannot be written: {error.strerror}; give another folder with --out") from None
    return path
