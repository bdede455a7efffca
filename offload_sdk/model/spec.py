"""What a model file needs and gives: its input, its normalisation, its classes. Facts only, no reading of files
but the model's own checksum."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from offload_sdk._view import Fit
from offload_sdk.errors import ModelError

__all__ = ["InputSpec", "ModelFile", "Normalisation", "file_sha256"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSpec:
    """The picture a model wants: `width` by `height` pixels, RGB, made of the photograph as `fit` says.

    `crop_frac`, of a cropped one only, is the side of the central square as a share of the short side; 0.875 is
    224 of 256, the convention of ImageNet evaluation.
    """

    width: int = 224
    height: int = 224
    crop_frac: float = 0.875
    fit: Fit = "crop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalisation:
    """real = (pixel - mean) / std, pixel 0..255, per channel in the order the model takes them."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    bgr: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """A model on disk that takes one picture: an image classifier, or without `labels` any other.

    `normalisation` None means that the model takes stored pixels as they are (int8: shifted by -128).
    `labels` has one name per class; with `background` the model has one output more, the first, and it is
    dropped. `output` says what the numbers are; None means that it is judged by the numbers themselves.
    """

    name: str
    path: Path
    spec: InputSpec
    labels: tuple[str, ...] = ()
    normalisation: Normalisation | None = None
    background: bool = False
    output: Literal["probabilities", "logits"] | None = None

    @property
    def sha256(self) -> str:
        """Of the file as it is now; computed when first asked for, as it takes as long as some inferences."""
        return file_sha256(self.path)


def file_sha256(path: Path) -> str:
    """Raises: ModelError if the file cannot be read."""
    try:
        facts = path.stat()
        return _sha256(path, facts.st_size, facts.st_mtime_ns)
    except OSError as error:
        raise ModelError(f"The model file cannot be read: {error}.") from error


@lru_cache(maxsize=16)
def _sha256(path: Path, _size_bytes: int, _changed_ns: int) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
