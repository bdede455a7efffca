"""What a segmenter's numbers come to, and what of a server's answer is believed."""

from __future__ import annotations

import base64
import json
import zlib
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from offload_sdk._types import Label
from offload_sdk._view import WHOLE, View
from offload_sdk.tasks import Mask, Segmentation
from offload_sdk.typing import WireTask

pytestmark = pytest.mark.light
PERSON = Segmentation(names=("person",))
STREET = Segmentation(names=("road", "car"))


def scores(*planes: Any) -> dict[str, Any]:
    return {"scores": np.stack([np.array(plane, np.float32) for plane in planes], axis=-1)[None]}


def test_it_is_a_task_that_travels() -> None:
    assert isinstance(PERSON, WireTask)


def test_one_channel_is_a_class_against_the_rest() -> None:
    mask = PERSON.finish(scores([[0.1, 0.9], [0.4, 0.6]]), WHOLE)
    assert mask.names == ("background", "person")
    assert mask.classes.tolist() == [[0, 1], [0, 1]]
    assert mask.classes.dtype == np.uint8


def test_one_channel_of_logits_counts_from_zero() -> None:
    assert PERSON.finish(scores([[-3.0, 0.2], [4.0, -0.1]]), WHOLE).classes.tolist() == [[0, 1], [1, 0]]


def test_of_several_channels_the_highest_counts() -> None:
    mask = Segmentation(names=("a", "b")).finish(scores([[1, 5]], [[2, 0]], [[9, 1]]), WHOLE)
    assert mask.classes.tolist() == [[2, 0]]
    assert mask.names == ("a", "b", "class 2")


def test_bars_are_cut_off() -> None:
    rows = np.arange(8, dtype=np.float32)[:, None].repeat(8, axis=1) / 10
    mask = PERSON.finish(scores(rows), View(top=0.25, bottom=0.75))
    assert mask.classes[:, 0].tolist() == [0, 0, 0, 0]
    assert PERSON.finish(scores(rows + 0.1), View(top=0.25, bottom=0.75)).classes[:, 0].tolist() == [0, 0, 0, 1]
    assert mask.classes.shape == (4, 8)


def test_labels_tell_how_much_of_the_picture_each_class_has() -> None:
    mask = Mask(classes=np.array([[1, 1], [1, 0]], np.uint8), names=("road", "car", "sky"))
    assert STREET.labels(mask) == (
        Label(name="car", probability=0.75, index=1),
        Label(name="road", probability=0.25, index=0),
    )


def test_a_mask_can_be_had_in_the_size_of_its_picture() -> None:
    mask = Mask(classes=np.array([[1, 0]], np.uint8), names=("a", "b"))
    assert mask.resized(4, 2).tolist() == [[1, 1, 0, 0]] * 2


@pytest.mark.parametrize(
    "outputs",
    [
        {},
        {"x": np.zeros((1, 8))},
        {"x": np.zeros((2, 4, 4, 1))},
        {"x": np.zeros((1, 4, 4, 300))},
        {"x": np.zeros((1, 0, 4, 1))},
        scores([[0.1, np.nan]]),
    ],
    ids=lambda outputs: str({name: value.shape for name, value in outputs.items()}),
)
def test_outputs_that_are_no_segmenters(outputs: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"outputs' shapes|finite"):
        PERSON.finish(outputs, WHOLE)


def test_a_mask_travels_as_json() -> None:
    mask = Mask(classes=np.arange(6, dtype=np.uint8).reshape(2, 3) % 3, names=("a", "b", "c"))
    back = STREET.from_wire(json.loads(json.dumps(STREET.to_wire(mask))))
    assert back.names == mask.names
    assert np.array_equal(back.classes, mask.classes)


def png(image: Image.Image, **options: Any) -> str:
    stream = BytesIO()
    image.save(stream, "PNG", **options)
    return base64.b64encode(stream.getvalue()).decode()


def bomb() -> str:
    """A picture of 30,000 × 30,000 in a few kilobytes of its head and one row."""
    content = bytearray(base64.b64decode(png(Image.new("L", (1, 1)))))
    header = b"IHDR" + (30000).to_bytes(4, "big") * 2 + content[24:29]
    content[12:33] = header + zlib.crc32(header).to_bytes(4, "big")
    return base64.b64encode(bytes(content)).decode()


def long_text() -> str:
    facts = PngImagePlugin.PngInfo()
    facts.add_text("x", "y" * 50_000_000, zip=True)
    return png(Image.new("L", (2, 2)), pnginfo=facts)


DARK = png(Image.new("L", (2, 2)))


@pytest.mark.parametrize(
    "entry",
    [
        {"labels": [], "png": DARK},
        {"labels": ["a"] * 257, "png": DARK},
        {"labels": "ab", "png": DARK},
        {"labels": ["a\u001b[2J"], "png": DARK},
        {"labels": [1], "png": DARK},
        {"labels": ["a"], "png": "no base64"},
        {"labels": ["a"], "png": base64.b64encode(b"no picture").decode()},
        {"labels": ["a"], "png": DARK[: len(DARK) // 2]},
        {"labels": ["a"], "png": png(Image.new("L", (2, 2), 1))},
        {"labels": ["a"], "png": png(Image.new("RGB", (2, 2)))},
        {"labels": ["a"], "png": png(Image.new("L", (1025, 1024)))},
        {"labels": ["a"], "png": bomb()},
        {"labels": ["a"], "png": long_text()},
        None,
    ],
    ids=lambda entry: str(entry)[:50],
)
def test_an_answer_of_another_shape_is_refused(entry: Any) -> None:
    with pytest.raises((ValueError, TypeError, KeyError, OSError, SyntaxError)):
        STREET.from_wire({"mask": entry})
