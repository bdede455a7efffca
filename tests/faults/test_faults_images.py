"""Images as they come: the right label, or one clear line; never a library's traceback and never a hang."""

from __future__ import annotations

import csv
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from offload_kit import jpeg, make, rows

from offload_sdk import InvalidImageError, Offloader, OffloadError
from offload_sdk.testing import FaultyServer


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Offloader]:
    with make(tmp_path_factory.mktemp("local"), log={"enabled": False}) as offloader:
        yield offloader


def png_header(width: int, height: int) -> bytes:
    """A PNG that says how large it is and holds nothing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def array(*shape: int, dtype: str = "uint8") -> Callable[[], object]:
    def made() -> object:
        import numpy as np

        return np.zeros(shape, dtype)

    return made


HOSTILE: dict[str, object] = {
    "no bytes": b"",
    "one byte": b"\xff",
    "text": b"this is no picture, but a sentence about one\n" * 20,
    "a script": b"#!/bin/sh\necho hello\n",
    "html": b"<!doctype html><html><body>404</body></html>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n",
    "zeros": bytes(5000),
    "jpeg header": jpeg()[:20],
    "half a jpeg": jpeg()[: len(jpeg()) // 2],
    "an empty png": png_header(100, 100),
    "a 100 megapixel bomb": png_header(10_000, 10_000),
    "a 4 gigapixel bomb": png_header(65_535, 65_535),
    "no pixels": png_header(0, 10),
    "a number": 7,
    "nothing": None,
    "a list": [1, 2, 3],
    "a missing file": "/nonexistent/picture.jpg",
    "a folder": os.path.dirname(os.path.abspath(__file__)),
    "a name with a null": "a\0b",
    "a very long name": "x" * 300,
    "a grey array": array(10, 10),
    "four channels": array(10, 10, 4),
    "floats": array(10, 10, 3, dtype="float32"),
    "an empty array": array(0, 10, 3),
    "a batch": array(1, 10, 10, 3),
}


@pytest.mark.light
@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_image_is_one_clear_line(name: str, local: Offloader) -> None:
    image = HOSTILE[name]
    with pytest.raises(InvalidImageError) as caught:
        local.classify(image() if callable(image) else image)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, OffloadError)
    message = str(caught.value)
    assert message
    assert "\n" not in message
    assert len(message) < 500
    with pytest.raises(InvalidImageError):  # and the next one is as good as the first
        local.classify(b"")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a pipe")
def test_a_pipe_is_refused_and_not_waited_for(local: Offloader, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.jpg"
    os.mkfifo(pipe)
    with pytest.raises(InvalidImageError):
        local.classify(pipe)


@pytest.mark.light
def test_settings_bound_what_is_taken(tmp_path: Path) -> None:
    with make(tmp_path, limits={"max_pixels": 50_000, "max_image_bytes": 20_000}) as offloader:
        with pytest.raises(InvalidImageError, match="too large"):
            offloader.classify(jpeg(side=320))
        with pytest.raises(InvalidImageError, match="too large"):
            offloader.classify(jpeg(side=200) + bytes(30_000))
        assert offloader.classify(jpeg(side=200)).labels


@pytest.mark.parametrize("policy", ["local", "remote"])
def test_a_bad_image_is_the_callers_fault_and_not_the_endpoints(policy: str, tmp_path: Path) -> None:
    with (
        FaultyServer() as server,
        make(tmp_path, server.url, policy=policy, probe={"enabled": False}) as offloader,
    ):
        for _ in range(5):
            with pytest.raises(InvalidImageError):
                offloader.classify(jpeg()[: len(jpeg()) // 2])
        assert rows(offloader) == [] or all(not row.labels for row in rows(offloader))
        assert offloader.status()["endpoints"][0]["in_service"] is True
        assert offloader.classify(jpeg()).path == policy


@given(cut=st.integers(0, 8000), flips=st.lists(st.tuples(st.integers(0, 8000), st.integers(0, 255)), max_size=8))
@settings(max_examples=40, deadline=None)
def test_a_damaged_jpeg_is_classified_or_refused(local: Offloader, cut: int, flips) -> None:
    damaged = bytearray(jpeg(2))
    for position, value in flips:
        damaged[position % len(damaged)] = value
    try:
        result = local.classify(bytes(damaged[: len(damaged) - cut % len(damaged)]))
    except InvalidImageError:
        return
    assert len(result.labels) == 3


def encoded(image: object, kind: str, **options: object) -> bytes:
    stream = BytesIO()
    image.save(stream, kind, **options)  # type: ignore[attr-defined]
    return stream.getvalue()


def variants(file: Path) -> Iterator[tuple[str, bytes]]:
    """The same photograph in unusual encodings."""
    from PIL import Image

    with Image.open(file) as opened:
        photo = opened.convert("RGB")
    yield "progressive", encoded(photo, "JPEG", quality=92, progressive=True)
    yield "cmyk", encoded(photo.convert("CMYK"), "JPEG", quality=95)
    yield "png", encoded(photo, "PNG")
    yield "alpha", encoded(photo.convert("RGBA"), "PNG")
    yield "palette", encoded(photo.quantize(256), "PNG")
    yield "gif", encoded(photo.quantize(256), "GIF")
    yield (
        "animated gif",
        encoded(photo.quantize(256), "GIF", save_all=True, append_images=[photo.quantize(256)] * 2),
    )
    yield "webp", encoded(photo, "WEBP", quality=92)
    yield "bmp", encoded(photo, "BMP")
    yield "tiff", encoded(photo, "TIFF")
    exif = Image.Exif()
    exif[0x0112] = 6  # stored on its side, and says so
    yield "orientation 6", encoded(photo.transpose(Image.Transpose.ROTATE_90), "JPEG", quality=92, exif=exif)


def test_photographs_get_their_label_in_whatever_encoding(local: Offloader, shared_data: Path) -> None:
    folder = shared_data / "images" / "labelled"
    with (folder / "labels.csv").open(newline="") as stream:
        truth = {row["file"]: int(row["class_index"]) for row in csv.DictReader(stream)}
    best = {name: local.classify(folder / name).labels[0] for name in sorted(truth)[:10]}
    assert sum(label.index == truth[name] for name, label in best.items()) >= 7
    sure = [name for name, label in best.items() if label.index == truth[name] and label.probability > 0.8][:2]
    assert len(sure) == 2
    for name in sure:
        for kind, image in variants(folder / name):
            assert local.classify(image).labels[0].index == truth[name], (name, kind)


def test_a_one_pixel_image_gets_an_answer(local: Offloader) -> None:
    from PIL import Image

    for mode in ("RGB", "L", "1", "I;16", "RGBA"):
        assert len(local.classify(encoded(Image.new(mode, (1, 1)), "PNG")).labels) == 3
