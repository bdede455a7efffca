"""Whole pictures in a model's input, and what is uploaded of them."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from offload_sdk._view import WHOLE, View
from offload_sdk.model import InputSpec, open_picture

pytestmark = pytest.mark.light
PAD = InputSpec(width=64, height=64, crop_frac=1.0, fit="pad")
STRETCH = InputSpec(width=64, height=32, crop_frac=1.0, fit="stretch")


def halves(width: int, height: int) -> Any:
    """Red on the left, blue on the right."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2, 0] = 255
    pixels[:, width // 2 :, 2] = 255
    return pixels


def encoded(pixels: Any, kind: str = "JPEG", **options: Any) -> bytes:
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


def colour(pixel: Any) -> str:
    red, _, blue = (int(value) for value in pixel)
    return "red" if red > 200 and blue < 60 else "blue" if blue > 200 and red < 60 else "black"


@pytest.mark.parametrize(
    "given", [halves, lambda w, h: encoded(halves(w, h)), lambda w, h: Image.fromarray(halves(w, h))]
)
def test_a_wide_picture_lies_between_bars(given: Any) -> None:
    picture = open_picture(given(400, 200), PAD)
    (tensor,) = picture.tensor({})
    assert tensor.shape == (64, 64, 3)
    assert picture.view == View(top=0.25, bottom=0.75)
    assert [colour(tensor[y, x]) for y, x in ((5, 5), (32, 2), (32, 61), (60, 60))] == [
        "black",
        "red",
        "blue",
        "black",
    ]


def test_a_high_picture_too() -> None:
    picture = open_picture(halves(100, 400), PAD)
    (tensor,) = picture.tensor({})
    assert picture.view == View(left=0.375, right=0.625)
    assert [colour(tensor[32, x]) for x in (5, 26, 37, 60)] == ["black", "red", "blue", "black"]


def test_a_picture_that_was_stored_on_its_side_is_set_upright_first() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise
    picture = open_picture(encoded(halves(400, 200), exif=exif), PAD)
    (tensor,) = picture.tensor({})
    assert picture.view == View(left=0.25, right=0.75)
    assert [colour(tensor[y, 32]) for y in (2, 61)] == ["red", "blue"]


def test_stretched_it_fills_all_of_the_input() -> None:
    picture = open_picture(halves(100, 300), STRETCH)
    (tensor,) = picture.tensor({})
    assert tensor.shape == (32, 64, 3)
    assert picture.view == WHOLE
    assert [colour(tensor[y, x]) for y, x in ((0, 0), (31, 63))] == ["red", "blue"]


@pytest.mark.parametrize("size", [(1, 1000), (1000, 1), (1, 1)])
@pytest.mark.parametrize("spec", [PAD, STRETCH], ids=["pad", "stretch"])
def test_a_line_is_a_picture(size: tuple[int, int], spec: InputSpec) -> None:
    picture = open_picture(np.full((*size, 3), 255, np.uint8), spec)
    assert picture.tensor({}).max() == 255
    assert 0.0 <= picture.view.left < picture.view.right <= 1.0
    assert 0.0 <= picture.view.top < picture.view.bottom <= 1.0
    assert picture.payload({})[0]


@pytest.mark.parametrize(("spec", "size"), [(PAD, (64, 32)), (STRETCH, (64, 32))], ids=["pad", "stretch"])
def test_what_is_uploaded_becomes_the_same_input(spec: InputSpec, size: tuple[int, int]) -> None:
    here = open_picture(encoded(halves(800, 400), "PNG"), spec)
    content, _ = here.payload({})
    assert Image.open(BytesIO(content)).size == size
    there = open_picture(content, spec)
    assert np.abs(there.tensor({}).astype(int) - here.tensor({})).mean() < 6
    assert there.view == here.view


def test_a_small_picture_is_not_blown_up_for_its_upload() -> None:
    content, _ = open_picture(halves(20, 10), PAD).payload({})
    assert Image.open(BytesIO(content)).size == (20, 10)


def test_places_of_the_input_are_places_of_the_picture() -> None:
    view = View(left=0.25, right=0.75)
    assert [view.x(x) for x in (0.0, 0.25, 0.5, 0.75, 1.0)] == [0.0, 0.0, 0.5, 1.0, 1.0]
    assert view.y(0.3) == 0.3
