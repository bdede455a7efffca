"""Every bad input is one `InvalidImageError` that says what is wrong, soon, and without warnings."""

from __future__ import annotations

import io
import os
import struct
import threading
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from offload_sdk.errors import InvalidImageError
from offload_sdk.model import InputSpec, PictureLimits, open_picture
from offload_sdk.model.sources import read_file

pytestmark = pytest.mark.light
SPEC = InputSpec()


def encode(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and ends where its pixels should begin."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body)) + b"\0\0\1\0IDAT"
    )


def with_transparency(mode: str, value: Any) -> Image.Image:
    image = Image.new(mode, (40, 40))
    image.info["transparency"] = value
    return image


def use(image: Any, limits: PictureLimits | None = None) -> None:
    """Opens the picture and asks for all that it can give."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = open_picture(image, SPEC, limits=limits)
        try:
            picture.payload({})
        finally:
            picture.tensor({})


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (b"", "empty"),
        (b"hello, this is text, not a picture", "not an image in a known format"),
        (b"\xff\xd8\xff\xe0", "damaged|cannot be read"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image in a known format"),
        (None, "not NoneType"),
        (7, "not int"),
        (["a.jpg"], "not list"),
        (np.zeros((4, 4, 3)), "float64"),
        (np.full((4, 4, 3), np.nan, np.float32), "float32"),
        (np.zeros((4, 4), np.uint8), r"shape \(4, 4\)"),
        (np.zeros((4, 4, 4), np.uint8), r"shape \(4, 4, 4\)"),
        (np.zeros((1, 4, 4, 3), np.uint8), "shape"),
        (np.zeros((0, 4, 3), np.uint8), "empty"),
        (np.zeros((4, 4, 3), np.int32), "int32"),
        (np.array(None), "object"),
        ("no/such/file.jpg", "no file no/such/file.jpg"),
        ("nul\0byte.jpg", "cannot be read"),
        (Image.new("F", (4, 4)), "floating-point"),
        (Image.new("RGB", (0, 5)), "empty"),
        (with_transparency("F", 0), "floating-point"),
        (with_transparency("P", "red"), "colours of the kind 'P'"),
        (with_transparency("RGB", "red"), "colours of the kind 'RGB'"),
    ],
)
def test_what_is_no_image_is_refused(image: Any, message: str) -> None:
    with pytest.raises(InvalidImageError, match=message):
        use(image)


def test_a_folder_and_a_pipe_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidImageError, match="is a folder"):
        use(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.jpg")
        with pytest.raises(InvalidImageError, match="not a regular file"):
            use(tmp_path / "pipe.jpg")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_file_that_becomes_a_pipe_is_refused_without_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    regular, pipe = tmp_path / "photo.jpg", tmp_path / "pipe.jpg"
    regular.write_bytes(b"x")
    os.mkfifo(pipe)
    facts = os.stat(regular)
    keeper = threading.Timer(5, lambda: os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)))
    keeper.start()  # would end an open that waits, so that a failure does not hang
    try:
        with monkeypatch.context() as patched:
            patched.setattr(os, "stat", lambda *_args, **_options: facts)
            with pytest.raises(InvalidImageError, match="not a regular file"):
                read_file(pipe, PictureLimits())
    finally:
        keeper.cancel()


def test_files_without_pixels_are_refused(tmp_path: Path) -> None:
    for content, message in ((b"", "empty"), (b"text", "not an image")):
        path = tmp_path / "photo.jpg"
        path.write_bytes(content)
        with pytest.raises(InvalidImageError, match=message):
            use(path)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_truncated_images_are_refused(gradient: Image.Image, kind: str, share: float) -> None:
    whole = encode(gradient, kind)
    use(whole)
    with pytest.raises(InvalidImageError):
        use(whole[: int(len(whole) * share)])


def test_a_small_jpeg_without_its_end_is_not_sent_as_it_is(gradient: Image.Image) -> None:
    whole = encode(gradient.resize((64, 64)))
    with pytest.raises(InvalidImageError):
        open_picture(whole[:-40], SPEC).payload({})


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_damaged_images_give_pixels_or_the_error(gradient: Image.Image, kind: str) -> None:
    whole = bytearray(encode(gradient, kind))
    random = np.random.default_rng(5)
    for _ in range(60):
        damaged = whole.copy()
        for place in random.integers(2, len(whole), 8):
            damaged[place] = int(random.integers(256))
        try:
            open_picture(bytes(damaged), SPEC).tensor({})
        except InvalidImageError as error:
            assert str(error).endswith(".")  # noqa: PT017 - either way is right, but the sentence must be whole


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    for bomb in (png_header(10_000, 10_000), png_header(50_000, 50_000), png_header(2**31 - 1, 2**31 - 1)):
        with pytest.raises(InvalidImageError, match="megapixels"):
            use(bomb)


def test_a_bomb_in_memory_is_refused() -> None:
    frame = np.broadcast_to(np.zeros((1, 1, 3), np.uint8), (10_000, 10_000, 3))
    with pytest.raises(InvalidImageError, match="100 megapixels"):
        use(frame)


def test_limits_can_be_set(gradient: Image.Image, tmp_path: Path) -> None:
    content = encode(gradient)
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    for image in (content, path):
        use(image, PictureLimits(max_bytes=len(content), max_pixels=320 * 240))
        with pytest.raises(InvalidImageError, match="bytes"):
            use(image, PictureLimits(max_bytes=len(content) - 1))
        with pytest.raises(InvalidImageError, match="megapixels"):
            use(image, PictureLimits(max_pixels=320 * 240 - 1))


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (3, 2), (5000, 1)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_tiny_images_work(size: tuple[int, int], kind: str) -> None:
    image = Image.new("RGB", size, (200, 100, 50))
    picture = open_picture(encode(image, kind, **({"quality": 95} if kind == "JPEG" else {})), SPEC)
    tensor = picture.tensor({})
    assert tensor.shape == (1, 224, 224, 3)
    assert np.abs(tensor[0, 100, 100].astype(int) - (200, 100, 50)).max() <= 4
    use(picture.payload({})[0])


def test_a_closed_image_is_refused(tmp_path: Path, gradient: Image.Image) -> None:
    gradient.save(tmp_path / "a.png")
    image = Image.open(tmp_path / "a.png")
    picture = open_picture(image, SPEC)
    image.close()
    with pytest.raises(InvalidImageError, match="cannot be decoded"):
        picture.tensor({})
