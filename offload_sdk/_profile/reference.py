"""The published figures of known boards, used until a device is calibrated; each number with its source.

They are read as package data: no code of `calibration` is imported.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Annotated, Literal

from pydantic import Field

from offload_sdk._profile.parts import Part, Threads

__all__ = ["Figure", "ReferenceDocument", "reference_document", "reference_names"]

_GENERIC = "generic"


class Figure(Part):
    """One number of a reference file with where it comes from.

    `kind`: `published` as the source prints it, `derived` by the arithmetic that the source text states,
    `assumed` where neither exists.
    """

    value: float
    kind: Literal["published", "derived", "assumed"]
    source: Annotated[str, Field(min_length=10)]


class ReferenceDocument(Part):
    """Figures for a board that was not calibrated. A board belongs to it when its name holds one of `match`.

    `infer_s` is keyed by model, then by threads. Powers are watts above idle, `cpu_active_w` with `threads` busy
    cores. `inference_energy_j` is stated for comparison only; energy is predicted as power times seconds.
    """

    schema_version: Literal[1]
    board: str
    match: tuple[str, ...]
    threads: Threads
    infer_s: dict[str, dict[Threads, Figure]]
    infer_sd_frac: Figure
    preprocess_s: Figure
    encode_s: Figure
    decode_s_per_pixel: dict[str, Figure]
    throttled_factor: Figure
    cpu_active_w: Figure | None = None
    radio_tx_w: Figure | None = None
    radio_wait_w: Figure | None = None
    radio_wake_j: Figure | None = None
    inference_energy_j: dict[str, Figure] = Field(default_factory=dict)


def reference_names() -> tuple[str, ...]:
    """Return the names of the reference files, sorted."""
    folder = resources.files("calibration") / "profiles"
    return tuple(sorted(f.name.removesuffix(".json") for f in folder.iterdir() if f.name.endswith(".json")))


@cache
def reference_document(board: str | None) -> ReferenceDocument:
    """Return the reference figures for a board by its model string (or a file's name); else the generic ones."""
    generic: ReferenceDocument | None = None
    for name in reference_names():
        text = (resources.files("calibration") / "profiles" / f"{name}.json").read_text("utf-8")
        document = ReferenceDocument.model_validate_json(text)
        if name == _GENERIC:
            generic = document
        elif board is not None and (board == name or any(mark in board for mark in document.match)):
            return document
    assert generic is not None, "the package carries no generic reference profile"
    return generic
