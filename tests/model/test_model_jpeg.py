from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from offload_sdk.model.jpeg import strip_metadata

pytestmark = pytest.mark.light


def jpeg(image: Image.Image, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", **options)
    return stream.getvalue()


def pixels(content: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(content)))


def with_segment(content: bytes, marker: int, body: bytes) -> bytes:
    return content[:2] + bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body + content[2:]


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
def test_metadata_goes_and_pixels_stay(gradient: Image.Image, mode: str, progressive: bool) -> None:
    exif = Image.Exif()
    exif[0x010E] = "secret"
    content = jpeg(gradient.convert(mode), exif=exif, comment=b"secret", progressive=progressive)
    content = with_segment(content, 0xE1, b"http://ns.adobe.com/xap/1.0/\0<secret/>")
    content = with_segment(content, 0xE2, b"ICC_PROFILE\0\1\1secret")
    content = with_segment(content, 0xED, b"Photoshop 3.0\0secret")
    stripped = strip_metadata(content + b"a video behind the picture: secret")
    assert stripped is not None
    assert b"secret" not in stripped
    assert np.array_equal(pixels(stripped), pixels(content))


def test_restart_markers_and_fill_bytes_are_understood(gradient: Image.Image) -> None:
    content = jpeg(gradient, restart_marker_blocks=3)
    if b"\xff\xd3" not in content:
        pytest.skip("this Pillow cannot write restart markers (10.2 can)")
    filled = content[:2] + b"\xff\xff" + content[2:]
    for variant in (content, filled):
        stripped = strip_metadata(variant)
        assert stripped is not None
        assert np.array_equal(pixels(stripped), pixels(content))


def test_the_thumbnail_in_the_jfif_header_goes(gradient: Image.Image) -> None:
    content = jpeg(gradient)
    assert content[6:11] == b"JFIF\0"
    thumbnail = bytes(range(12))
    header = content[4 + 2 : 4 + 2 + 12] + b"\2\2" + thumbnail
    swollen = content[:4] + struct.pack(">H", len(header) + 2) + header + content[20:]
    assert np.array_equal(pixels(swollen), pixels(content))
    assert strip_metadata(swollen) == strip_metadata(content)


def test_what_is_no_complete_jpeg_gives_none(gradient: Image.Image) -> None:
    content = jpeg(gradient)
    for end in (0, 1, 2, 3, 5, 30, len(content) // 2, len(content) - 1):
        assert strip_metadata(content[:end]) is None
    assert strip_metadata(b"\x89PNG" + content) is None


@given(st.binary(max_size=200))
def test_no_bytes_raise_or_grow(tail: bytes) -> None:
    stripped = strip_metadata(b"\xff\xd8" + tail)
    assert stripped is None or len(stripped) <= len(tail) + 2
