"""Object detection: from a detector's outputs to the things in the picture, and their JSON. No model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from offload_sdk._types import Label
from offload_sdk._view import View
from offload_sdk.tasks.anchors import CentreAnchors
from offload_sdk.wire import label_entry, parse_label

__all__ = ["Detection", "ObjectDetection"]

_Values = npt.NDArray[Any]
_MOST_CANDIDATES = 1000
_MOST_FOUND = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """One thing found: what it is, and its box as shares 0..1 of the upright picture's width and height."""

    label: Label
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectDetection:
    """Finds things: a `WireTask` whose result is a tuple of `Detection`, the surest first, at most a hundred.

    Without `anchors` the model must give finished boxes, as TFLite's operator for that does: boxes of shape
    (1, N, 4), each (top, left, bottom, right), then classes and scores of shape (1, N) and how many count; or,
    as newer exporters have it, scores, boxes, how many count, classes. With `anchors` it gives for each of them a
    raw box, (1, …, 4 or more), and logits, (1, …, classes). What is less sure than `min_score` is left out, and of
    two boxes of a class that overlap (intersection / union) by more than `max_overlap` the less sure one.
    """

    names: tuple[str, ...] = ()
    fit: Literal["pad", "stretch"] = "stretch"
    anchors: CentreAnchors | None = None
    min_score: float = 0.5
    max_overlap: float = 0.3

    def finish(self, outputs: Mapping[str, Any], view: View) -> tuple[Detection, ...]:
        """Raises `ValueError` if the outputs are not of such a model, or not finite."""
        values = list(outputs.values())
        if not all(np.isfinite(value).all() for value in values):
            raise ValueError("a detector's outputs must be finite")
        boxes, scores, classes = self._finished(values) if self.anchors is None else self._raw(values)
        sure = np.flatnonzero(scores >= self.min_score)
        best = sure[np.argsort(-scores[sure], kind="stable")][:_MOST_CANDIDATES]
        kept = _without_doubles(boxes[best], classes[best], self.max_overlap)
        found = (self._detection(boxes[i], float(scores[i]), int(classes[i]), view) for i in best[kept])
        return tuple(one for one in found if one.left < one.right and one.top < one.bottom)

    def labels(self, result: Sequence[Detection]) -> tuple[Label, ...]:
        """Return each class once, as sure as its surest."""
        surest: dict[int, Label] = {}
        for one in result:
            surest.setdefault(one.label.index, one.label)
        return tuple(surest.values())

    def to_wire(self, result: Sequence[Detection]) -> dict[str, Any]:
        return {
            "detections": [
                {**label_entry(one.label), "box": [one.left, one.top, one.right, one.bottom]} for one in result
            ]
        }

    def from_wire(self, document: Mapping[str, Any]) -> tuple[Detection, ...]:
        entries = document["detections"]
        if not isinstance(entries, list) or len(entries) > _MOST_FOUND:
            raise ValueError(f"detections must be a list of at most {_MOST_FOUND}")
        found = [_parsed(entry) for entry in entries]
        return tuple(sorted(found, key=lambda one: -one.label.probability))

    def _finished(self, values: Sequence[_Values]) -> tuple[_Values, _Values, _Values]:
        if len(values) != 4:
            raise ValueError(f"a detector without anchors has 4 outputs, not {len(values)}")
        if values[0].ndim == 3:
            boxes, classes, scores, count = values
        else:
            scores, boxes, count, classes = values
        most = scores.size
        if boxes.shape != (1, most, 4) or classes.size != most or count.size != 1 or not 0 <= count.item() <= most:
            raise ValueError(f"outputs of the shapes {[value.shape for value in values]} are no finished boxes")
        top, left, bottom, right = boxes.reshape(-1, 4)[: int(count.item())].T
        counted = len(top)
        return np.stack((left, top, right, bottom), 1), scores.ravel()[:counted], classes.ravel()[:counted]

    def _raw(self, values: Sequence[_Values]) -> tuple[_Values, _Values, _Values]:
        assert self.anchors is not None
        if len(values) != 2 or any(value.ndim < 3 or len(value) != 1 or value.size == 0 for value in values):
            raise ValueError("a detector with anchors has 2 outputs: boxes and logits for each anchor")
        by_anchor = (value.reshape(-1, value.shape[-1]) for value in values)
        raw, logits = sorted(by_anchor, key=lambda value: value.shape[1] < 4)
        boxes = self.anchors.decode(raw)
        if len(logits) != len(boxes):
            raise ValueError(f"{len(logits)} anchors have logits and {len(boxes)} boxes")
        classes = logits.argmax(axis=1)
        best = logits[np.arange(len(classes)), classes]
        return boxes, 1.0 / (1.0 + np.exp(-np.clip(best, -50.0, 50.0))), classes

    def _detection(self, box: _Values, score: float, index: int, view: View) -> Detection:
        if index < 0:
            raise ValueError(f"a class of {index}")
        name = self.names[index] if index < len(self.names) else f"class {index}"
        left, top, right, bottom = map(float, box)
        return Detection(
            label=Label(name=name, probability=min(score, 1.0), index=index),
            left=view.x(left),
            top=view.y(top),
            right=view.x(right),
            bottom=view.y(bottom),
        )


def _parsed(entry: Any) -> Detection:
    left, top, right, bottom = map(float, entry["box"])
    if not (0.0 <= left < right <= 1.0 and 0.0 <= top < bottom <= 1.0):  # NaN is none of this
        raise ValueError(f"a box of {entry['box']!r:.100}")
    return Detection(label=parse_label(entry), left=left, top=top, right=right, bottom=bottom)


def _without_doubles(boxes: _Values, classes: _Values, max_overlap: float) -> list[int]:
    """Return the places of the boxes that are kept of some in order of their scores (non-maximum suppression)."""
    sizes = np.maximum(boxes[:, 2:] - boxes[:, :2], 0.0).prod(axis=1)
    left = np.ones(len(boxes), bool)
    kept: list[int] = []
    for place in range(len(boxes)):
        if not left[place]:
            continue
        kept.append(place)
        if len(kept) == _MOST_FOUND:
            break
        near, far = np.maximum(boxes[place, :2], boxes[:, :2]), np.minimum(boxes[place, 2:], boxes[:, 2:])
        shared = np.maximum(far - near, 0.0).prod(axis=1)
        left &= ~((classes == classes[place]) & (shared > max_overlap * (sizes + sizes[place] - shared)))
    return kept
