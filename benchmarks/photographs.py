"""The real photographs and models that lie beside the checkout, if they do. Measures nothing."""

from __future__ import annotations

import csv
import tempfile
from dataclasses import dataclass
from pathlib import Path

from offload_sdk.model import Classifier, resolve

__all__ = ["SHARED", "Photograph", "photographs", "two_classifiers"]

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Photograph:
    """`class_index` is the true class, 0..999; None: nobody has said."""

    path: Path
    class_index: int | None = None


def photographs() -> list[Photograph]:
    """The ImageNet samples with their classes, then the camera's pictures; none if there is no such folder."""
    images = SHARED / "images"
    if not images.is_dir():
        return []
    with (images / "labelled" / "labels.csv").open(newline="", encoding="utf-8") as stream:
        classes = {row["file"]: int(row["class_index"]) for row in csv.DictReader(stream)}
    labelled = sorted((images / "labelled").glob("*.JPEG"))
    return [
        *(Photograph(path=path, class_index=classes[path.name]) for path in labelled),
        *(Photograph(path=path) for path in sorted((images / "camera").iterdir())),
    ]


def two_classifiers() -> list[Classifier]:
    """The offline model, and a quantised one that feels the coding of a picture more."""
    names = ("efficientnet_lite0", str(next((SHARED / "models").glob("*.tflite"))))
    with tempfile.TemporaryDirectory() as folder:
        return [Classifier(resolve(name, Path(folder))) for name in names]
