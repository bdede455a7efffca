"""A folder of pictures: written by all cores, each file whole or not at all, and continued if interrupted."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from offload_sdk._cores import usable_cores
from offload_sdk.errors import ConfigurationError, OffloadError
from offload_sdk.workload.picture import develop
from offload_sdk.workload.recipe import Recipe, WorkloadSpec, recipes

__all__ = ["MANIFEST", "SPEC", "WorkloadImage", "write_workload"]

MANIFEST = "manifest.csv"
SPEC = "workload.json"
_VERSION = 1  # to be raised when the same spec gives other files

Progress = Callable[[str, float], None]
"""The file that is done, and the share of all, 0..1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadImage:
    """A row of the manifest. `quality` is empty for PNG; `source` is the photograph's name in scikit-image."""

    file: str
    bytes: int
    target_bytes: int
    format: str
    quality: int | None
    width: int
    height: int
    source: str
    sha256: str


def write_workload(
    folder: Path, spec: WorkloadSpec, progress: Progress = lambda file, frac: None
) -> list[WorkloadImage]:
    """Write the pictures that are not there yet, then the manifest; return its rows, in the order of the files.

    The same spec gives the same bytes with the same versions of Pillow, NumPy and scikit-image. `folder` must be
    new, empty, or hold (part of) the same workload. Raises `ConfigurationError` if it does not or if the
    photographs are missing, `OffloadError` when a file cannot be written.
    """
    with _told(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _claim(folder, spec)
        wanted = recipes(spec)
        rows = []
        with ThreadPoolExecutor(usable_cores()) as pool:  # Pillow lets go of the interpreter while it works
            try:
                for row in pool.map(lambda recipe: _write(folder, recipe), wanted):
                    rows.append(row)
                    progress(row.file, len(rows) / len(wanted))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        _write_manifest(folder, rows)
    return rows


def _claim(folder: Path, spec: WorkloadSpec) -> None:
    """Leave a note of what the folder is for, so that no other workload is mixed into it."""
    note, wanted = folder / SPEC, {"version": _VERSION, **asdict(spec)}
    if note.is_file():
        try:
            found = json.loads(note.read_text(encoding="utf-8"))
        except ValueError:
            found = None
        if found != wanted:
            raise ConfigurationError(f"{folder} holds another workload ({SPEC} says which); give another folder")
    elif any(folder.iterdir()):
        raise ConfigurationError(f"{folder} is not empty; give a new folder")
    else:
        _put(note, (json.dumps(wanted, indent=2) + "\n").encode("ascii"))


def _write(folder: Path, recipe: Recipe) -> WorkloadImage:
    path = folder / recipe.name
    if path.is_file():
        from PIL import Image

        with Image.open(path) as there:
            width, height = there.size
        data = path.read_bytes()
    else:
        made = develop(recipe)
        data, width, height = made.data, made.width, made.height
        _put(path, data)
    return WorkloadImage(
        file=recipe.name,
        bytes=len(data),
        target_bytes=recipe.target_bytes,
        format=recipe.format,
        quality=recipe.quality,
        width=width,
        height=height,
        source=recipe.photograph,
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _write_manifest(folder: Path, rows: list[WorkloadImage]) -> None:
    partial = folder / f"{MANIFEST}.part"
    with partial.open("w", newline="", encoding="ascii") as stream:
        table = csv.DictWriter(stream, [field.name for field in fields(WorkloadImage)])
        table.writeheader()
        table.writerows(asdict(row) for row in rows)
    os.replace(partial, folder / MANIFEST)


def _put(path: Path, data: bytes) -> None:
    partial = path.with_name(f"{path.name}.part")
    partial.write_bytes(data)
    os.replace(partial, path)


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        what = error.filename or folder
        raise OffloadError(f"the workload cannot be written: {what}: {error.strerror or error}") from None
