"""From the `NAME.json` beside a model to its task. Its other keys are those of `offload_sdk.model.describe`.

{"task": "detection",            or "segmentation", "classification", or "tensors": no pictures, no task
 "labels": ["face"],             as for a classifier
 "fit": "pad",                   the whole picture between black bars; by default "stretch"
 "anchors": {"input_px": 128, "strides": [8, 16], "per_cell": [2, 6]},   of a detector of raw boxes
 "min_score": 0.5, "max_overlap": 0.3}                                   of any detector
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from offload_sdk.errors import ModelError
from offload_sdk.model.describe import CLASSIFICATION, label_names, side_file
from offload_sdk.model.tflite_reader import read_tflite
from offload_sdk.tasks.anchors import CentreAnchors
from offload_sdk.tasks.detection import ObjectDetection
from offload_sdk.tasks.segmentation import Segmentation

__all__ = ["read_task", "task_name"]

_DETECTION, _SEGMENTATION = "detection", "segmentation"
_TASKS = (_DETECTION, _SEGMENTATION, CLASSIFICATION, "tensors")


def task_name(path: Path) -> str:
    """Return which of the four the model at `path` does. Raises `ModelError` if the file beside it is wrong."""
    task = side_file(path).get("task", CLASSIFICATION)
    if task not in _TASKS:
        raise ModelError(f"{path.with_suffix('.json')}: task must be one of {', '.join(_TASKS)}, not {task!r}.")
    return str(task)


def read_task(path: Path) -> ObjectDetection | Segmentation | None:
    """Return the task of the model at `path`; None if it classifies or takes tensors only. Raises `ModelError`."""
    task = task_name(path)
    if task not in (_DETECTION, _SEGMENTATION):
        return None
    side = side_file(path)
    fit = side.get("fit", "stretch")
    if fit not in ("pad", "stretch"):
        raise ModelError(f"{path.with_suffix('.json')}: fit must be pad or stretch, not {fit!r}.")
    names = label_names(path, read_tflite(path), side) or ()
    if task == _SEGMENTATION:
        return Segmentation(names=names, fit=fit)
    return ObjectDetection(
        names=names,
        fit=fit,
        anchors=_anchors(path, side),
        min_score=_share(path, side, "min_score", 0.5),
        max_overlap=_share(path, side, "max_overlap", 0.3),
    )


def _anchors(path: Path, side: Mapping[str, Any]) -> CentreAnchors | None:
    given = side.get("anchors")
    if given is None:
        return None
    try:
        return CentreAnchors(
            input_px=int(given["input_px"]),
            strides=tuple(map(int, given["strides"])),
            per_cell=tuple(map(int, given["per_cell"])),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ModelError(
            f"{path.with_suffix('.json')}: anchors must have input_px, strides and per_cell: {error}."
        ) from error


def _share(path: Path, side: Mapping[str, Any], key: str, usual: float) -> float:
    value = side.get(key, usual)
    if not isinstance(value, (int, float)) or not 0.0 <= value <= 1.0:
        raise ModelError(f"{path.with_suffix('.json')}: {key} must be from 0 to 1, not {value!r}.")
    return float(value)
