"""Segmentation: from a segmenter's output to the class of each place, and its JSON. No model."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from offload_sdk._types import Label
from offload_sdk._view import View
from offload_sdk.model.sources import EncodedSource, PictureLimits
from offload_sdk.wire import parse_name

__all__ = ["Mask", "Segmentation"]

_Values = npt.NDArray[Any]
_MOST_CLASSES = 256
_MASKS = PictureLimits(max_pixels=1024 * 1024, formats=("PNG",))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mask:
    """The class of each place of the upright picture, uint8 of shape (height, width): the place of its name in
    `names`. It is as fine as the model's output, whatever the size of the picture."""

    classes: npt.NDArray[np.uint8]
    names: tuple[str, ...]

    def resized(self, width: int, height: int) -> npt.NDArray[np.uint8]:
        """Return the class of each pixel of a picture of this size."""
        return np.asarray(Image.fromarray(self.classes).resize((width, height), Image.Resampling.NEAREST))


@dataclass(frozen=True, slots=True, kw_only=True)
class Segmentation:
    """Tells the class of each place: a `WireTask` whose result is a `Mask`.

    The model's first output of shape (1, height, width, classes) has a score for each class, the highest of which
    counts. With one channel only, it is that of the last of two classes against the rest: a probability, counted
    from 0.5, or, if any value is outside 0..1, a logit, counted from 0. What names are missing are made up.
    """

    names: tuple[str, ...] = ()
    fit: Literal["pad", "stretch"] = "stretch"

    def finish(self, outputs: Mapping[str, Any], view: View) -> Mask:
        """Raises `ValueError` if the outputs are not of such a model, or not finite."""
        scores = next((value[0] for value in outputs.values() if value.ndim == 4 and len(value) == 1), None)
        if scores is None or not 0 < scores.shape[2] <= _MOST_CLASSES or scores.shape[0] * scores.shape[1] == 0:
            shapes = [value.shape for value in outputs.values()]
            raise ValueError(f"of the outputs' shapes {shapes} none is (1, height, width, classes)")
        if not np.isfinite(scores).all():
            raise ValueError("a segmenter's output must be finite")
        height, width, channels = scores.shape
        rows = slice(round(view.top * height), max(round(view.bottom * height), round(view.top * height) + 1))
        columns = slice(round(view.left * width), max(round(view.right * width), round(view.left * width) + 1))
        scores = scores[rows, columns]
        if channels > 1:
            classes = scores.argmax(axis=2)
        else:
            logits = scores.min() < 0.0 or scores.max() > 1.0
            classes = scores[..., 0] > (0.0 if logits else 0.5)
        return Mask(classes=classes.astype(np.uint8), names=self._names(max(channels, 2)))

    def labels(self, result: Mask) -> tuple[Label, ...]:
        """Return the classes found, the most extended first; `probability` is the share of the picture."""
        shares = np.bincount(result.classes.ravel(), minlength=len(result.names)) / result.classes.size
        found = (
            Label(name=result.names[i], probability=float(shares[i]), index=int(i)) for i in np.argsort(-shares)
        )
        return tuple(label for label in found if label.probability > 0.0)

    def to_wire(self, result: Mask) -> dict[str, Any]:
        """A PNG in greys, whose value is the place of the class in `labels`."""
        stream = BytesIO()
        Image.fromarray(result.classes).save(stream, "PNG")
        return {"mask": {"labels": result.names, "png": base64.b64encode(stream.getvalue()).decode("ascii")}}

    def from_wire(self, document: Mapping[str, Any]) -> Mask:
        entry = document["mask"]
        names = entry["labels"]
        if not isinstance(names, list) or not 0 < len(names) <= _MOST_CLASSES:
            raise ValueError(f"a mask has 1 to {_MOST_CLASSES} labels")
        image = EncodedSource(base64.b64decode(entry["png"], validate=True), _MASKS).decode(1).image
        if image.mode != "L":
            raise ValueError(f"a mask in the colours {image.mode}")
        classes = np.array(image)
        if classes.max() >= len(names):
            raise ValueError(f"a mask with the class {classes.max()} of {len(names)}")
        return Mask(classes=classes, names=tuple(map(parse_name, names)))

    def _names(self, count: int) -> tuple[str, ...]:
        if count == len(self.names):
            return self.names
        if count == 2:
            return "background", *(self.names or ("foreground",))[:1]
        return *self.names[:count], *(f"class {index}" for index in range(len(self.names), count))
