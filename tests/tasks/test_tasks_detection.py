"""What a detector's numbers come to, and what of a server's answer is believed."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from offload_sdk._types import Label
from offload_sdk._view import WHOLE, View
from offload_sdk.tasks import CentreAnchors, Detection, ObjectDetection
from offload_sdk.typing import WireTask

pytestmark = pytest.mark.light
FINISHED = ObjectDetection(names=("cat", "dog"))
# top, left, bottom, right
BOXES = np.array([[[0.1, 0.2, 0.5, 0.6], [0.12, 0.2, 0.5, 0.6], [0.6, 0.6, 0.9, 0.9], [0, 0, 1, 1]]], np.float32)
CLASSES = np.array([[1, 1, 0, 0]], np.float32)
SCORES = np.array([[0.8, 0.9, 0.6, 0.2]], np.float32)


def finished(**other: Any) -> dict[str, Any]:
    return {"boxes": BOXES, "classes": CLASSES, "scores": SCORES, "count": np.array([4.0], np.float32), **other}


def test_it_is_a_task_that_travels() -> None:
    assert isinstance(FINISHED, WireTask)


def test_finished_boxes_are_named_sorted_and_kept_once() -> None:
    found = FINISHED.finish(finished(), WHOLE)
    assert [(one.label.name, round(one.label.probability, 3)) for one in found] == [("dog", 0.9), ("cat", 0.6)]
    dog = found[0]
    assert (dog.left, dog.top, dog.right, dog.bottom) == pytest.approx((0.2, 0.12, 0.6, 0.5))


def test_the_newer_order_of_outputs_means_the_same() -> None:
    older = finished()
    newer = {name: older[name] for name in ("scores", "boxes", "count", "classes")}
    assert FINISHED.finish(newer, WHOLE) == FINISHED.finish(older, WHOLE)


def test_boxes_beyond_the_count_are_not_there() -> None:
    assert len(FINISHED.finish(finished(count=np.array([2.0])), WHOLE)) == 1
    assert FINISHED.finish(finished(count=np.array([0.0])), WHOLE) == ()


def test_overlapping_boxes_of_different_classes_both_stay() -> None:
    found = FINISHED.finish(finished(classes=np.array([[0, 1, 0, 0]])), WHOLE)
    assert [one.label.name for one in found] == ["dog", "cat", "cat"]


def test_bars_are_taken_off_the_boxes() -> None:
    found = FINISHED.finish(finished(), View(top=0.25, bottom=0.75))
    dog = found[0]
    assert (dog.left, dog.top, dog.right, dog.bottom) == pytest.approx((0.2, 0.0, 0.6, 0.5))


def test_a_box_within_the_bars_is_nothing() -> None:
    low = np.array([[[0.8, 0.1, 0.9, 0.3]]], np.float32)
    outputs = finished(boxes=low, classes=CLASSES[:, :1], scores=SCORES[:, :1], count=np.array([1.0]))
    assert FINISHED.finish(outputs, View(top=0.25, bottom=0.75)) == ()


def test_a_class_without_a_name_gets_one() -> None:
    found = FINISHED.finish(finished(classes=np.array([[7, 7, 0, 0]])), WHOLE)
    assert found[0].label == Label(name="class 7", probability=pytest.approx(0.9), index=7)


@pytest.mark.parametrize("swapped", [False, True])
def test_raw_boxes_start_from_the_centres_of_their_cells(swapped: bool) -> None:
    task = ObjectDetection(anchors=CentreAnchors(input_px=8, strides=(4, 8), per_cell=(1, 2)))
    raw = np.zeros((1, 6, 16), np.float32)
    logits = np.full((1, 6, 1), -9.0, np.float32)
    raw[0, 2, :4] = (1, -1, 2, 4)  # the lower left cell of the finer grid: centre (2, 6)
    logits[0, 2] = 3.0
    outputs = {"logits": logits, "boxes": raw} if swapped else {"boxes": raw, "logits": logits}
    (found,) = task.finish(outputs, WHOLE)
    assert (found.left, found.top, found.right, found.bottom) == pytest.approx((2 / 8, 3 / 8, 4 / 8, 7 / 8))
    assert found.label.probability == pytest.approx(1 / (1 + np.exp(-3)))


def test_never_more_than_a_hundred() -> None:
    edges = np.linspace(0.0, 0.9, 30)
    boxes = np.array([[[y, x, y + 0.01, x + 0.01] for y in edges for x in edges]], np.float32)
    outputs = {
        "boxes": boxes,
        "classes": np.zeros((1, 900)),
        "scores": np.ones((1, 900)),
        "count": np.array([900]),
    }
    assert len(FINISHED.finish(outputs, WHOLE)) == 100


@pytest.mark.parametrize(
    "wrong",
    [
        {"boxes": BOXES * np.nan},
        {"scores": SCORES + np.inf},
        {"boxes": BOXES[:, :2]},
        {"boxes": BOXES[..., :3]},
        {"classes": CLASSES[:, :1]},
        {"classes": -CLASSES},
        {"count": np.array([5.0])},
        {"count": np.array([-1.0])},
        {"count": np.array([1.0, 1.0])},
        {"more": np.zeros((1, 1))},
    ],
    ids=str,
)
def test_outputs_that_are_no_finished_boxes(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"finite|outputs|a class of"):
        FINISHED.finish(finished(**wrong), WHOLE)


@pytest.mark.parametrize(
    "shapes",
    [[(1, 6, 16)], [(1, 5, 16), (1, 5, 1)], [(1, 6, 16), (1, 5, 1)], [(6, 16), (6, 1)], [(1, 6, 3), (1, 6, 1)]],
)
def test_outputs_that_do_not_fit_the_anchors(shapes: list[tuple[int, ...]]) -> None:
    task = ObjectDetection(anchors=CentreAnchors(input_px=8, strides=(4, 8), per_cell=(1, 2)))
    with pytest.raises(ValueError, match="anchors"):
        task.finish({str(number): np.zeros(shape) for number, shape in enumerate(shapes)}, WHOLE)


def test_anchors_are_bounded() -> None:
    with pytest.raises(ValueError, match="from 1 to 4096"):
        CentreAnchors(input_px=10**9, strides=(1,), per_cell=(1,))


def test_detections_travel_as_json() -> None:
    found = FINISHED.finish(finished(), WHOLE)
    assert FINISHED.from_wire(json.loads(json.dumps(FINISHED.to_wire(found)))) == found
    assert FINISHED.from_wire(FINISHED.to_wire(())) == ()


def test_labels_tell_each_class_once_as_sure_as_its_surest() -> None:
    at = {"left": 0.0, "top": 0.0, "right": 1.0, "bottom": 1.0}
    cat, cat2, dog = (
        Label(name=n, probability=p, index=i) for n, p, i in (("c", 0.9, 0), ("c", 0.6, 0), ("d", 0.7, 1))
    )
    assert FINISHED.labels([Detection(label=one, **at) for one in (cat, dog, cat2)]) == (cat, dog)


GOOD = {"label": "cat", "probability": 0.9, "index": 0, "box": [0.1, 0.1, 0.5, 0.5]}


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"detections": None},
        {"detections": "cats"},
        {"detections": [GOOD] * 101},
        {"detections": [{**GOOD, "box": [0.1, 0.1, 0.5]}]},
        {"detections": [{**GOOD, "box": [0.1, 0.1, float("nan"), 0.5]}]},
        {"detections": [{**GOOD, "box": [0.1, 0.1, 1e300, 0.5]}]},
        {"detections": [{**GOOD, "box": [-0.1, 0.1, 0.5, 0.5]}]},
        {"detections": [{**GOOD, "box": [0.5, 0.1, 0.1, 0.5]}]},
        {"detections": [{**GOOD, "box": None}]},
        {"detections": [{**GOOD, "probability": float("nan")}]},
        {"detections": [{**GOOD, "probability": 2}]},
        {"detections": [{**GOOD, "index": -1}]},
        {"detections": [{**GOOD, "label": "a\u001b[2J"}]},
        {"detections": [{"label": "cat"}]},
    ],
    ids=lambda document: str(document)[:60],
)
def test_an_answer_of_another_shape_is_refused(document: Any) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        FINISHED.from_wire(document)
