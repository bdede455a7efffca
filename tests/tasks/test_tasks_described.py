"""The file beside a model, and what is wrong with one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from task_models import DETECTION, DETECTOR_SIDE, SEGMENTATION, SEGMENTER_SIDE, bright_cells, brightness, store

from offload_sdk.errors import ModelError
from offload_sdk.model import describe_network, resolve
from offload_sdk.tasks import ObjectDetection, read_task, task_name

pytestmark = pytest.mark.light


def test_the_tasks_of_two_models(tmp_path: Path) -> None:
    assert read_task(store(tmp_path, "lamps", bright_cells(), DETECTOR_SIDE)) == DETECTION
    assert read_task(store(tmp_path, "light", brightness(), SEGMENTER_SIDE)) == SEGMENTATION


def test_finished_boxes_need_no_anchors(tmp_path: Path) -> None:
    side = {"task": "detection", "min_score": 0.25, "max_overlap": 1}
    task = read_task(store(tmp_path, "any", bright_cells(), side))
    assert task == ObjectDetection(min_score=0.25, max_overlap=1.0)


@pytest.mark.parametrize("side", [None, {"labels": ["a"]}, {"task": "classification"}, {"task": "tensors"}])
def test_others_have_none(tmp_path: Path, side: dict[str, Any] | None) -> None:
    path = store(tmp_path, "any", bright_cells(), side)
    assert read_task(path) is None
    assert task_name(path) == ("tensors" if side == {"task": "tensors"} else "classification")


def test_a_detector_is_no_classifier(tmp_path: Path) -> None:
    path = store(tmp_path, "lamps", bright_cells(), DETECTOR_SIDE)
    with pytest.raises(ModelError, match="its task is 'detection'"):
        resolve(path, tmp_path)


@pytest.mark.parametrize(
    ("side", "words"),
    [
        ({"task": "dreaming"}, "task must be one of"),
        ({"task": ["detection"]}, "task must be one of"),
        ({"task": "detection", "fit": "crop"}, "fit must be pad or stretch"),
        ({"task": "detection", "anchors": 3}, "anchors must have"),
        ({"task": "detection", "anchors": {"input_px": 64}}, "anchors must have"),
        ({"task": "detection", "anchors": {"input_px": 64, "strides": [4], "per_cell": []}}, "anchors must have"),
        ({"task": "detection", "min_score": 2}, "min_score must be from 0 to 1"),
        ({"task": "detection", "max_overlap": "much"}, "max_overlap must be from 0 to 1"),
        ({"task": "detection", "anchor": {}}, "unknown keys: anchor"),
        ({"anchors": {}}, "unknown keys: anchors"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, side: dict[str, Any], words: str) -> None:
    with pytest.raises(ModelError, match=words):
        read_task(store(tmp_path, "any", bright_cells(), side))


def test_a_model_of_one_picture(tmp_path: Path) -> None:
    model = describe_network(store(tmp_path, "lamps", bright_cells(), DETECTOR_SIDE), "pad")
    assert (model.name, model.labels, model.spec.width, model.spec.height) == ("lamps", ("lamp",), 64, 64)
    assert (model.spec.fit, model.spec.crop_frac) == ("pad", 1.0)
