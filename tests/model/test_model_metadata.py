"""Nothing that leaves the device tells more than the picture shows: whatever it comes in, only pixels are sent."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from offload_sdk.execute.exchange import Reply
from offload_sdk.execute.open_inference import OpenInferenceProtocol
from offload_sdk.model import InputSpec, OpenPicture, open_picture
from offload_sdk.model.jpeg import strip_metadata

pytestmark = pytest.mark.light

CANARY = b"CANARY 45.4642N 9.1900E"
TEXT = CANARY.decode()
PICTURE_MARKERS = {*range(0xC0, 0xD0), 0xD8, 0xD9, 0xDA, 0xDB, 0xDC, 0xDD}


def exif() -> bytes:
    """Description, maker note, camera, user comment and place."""
    tags = Image.Exif()
    tags[0x010E] = tags[0x0110] = TEXT
    tags.get_ifd(0x8769).update({0x927C: CANARY, 0x9286: CANARY, 0xA431: TEXT})
    tags.get_ifd(0x8825).update({1: "N", 2: (45.0, 27.0, 51.0), 29: TEXT})
    return tags.tobytes()


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def jpeg(image: Image.Image) -> bytes:
    """All that a camera and the programs after it may put into a file, and a second picture behind the first."""
    plain = saved(image, "JPEG", quality=60, exif=exif(), comment=CANARY)
    second = saved(image, "JPEG", exif=exif())
    added = (
        segment(0xE0, b"JFXX\0\x10" + saved(image.resize((16, 16)), "JPEG", comment=CANARY)),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>" + CANARY),
        segment(0xE2, b"ICC_PROFILE\0\1\1" + CANARY),
        segment(0xEB, b"JP" + CANARY),
        segment(0xED, b"Photoshop 3.0\x008BIM\4\4\0\0" + CANARY),
        segment(0xEE, b"Adobe\0\x64\0\0\0\0\1" + CANARY),
        segment(0xFE, CANARY),
    )
    return plain[:2] + b"".join(added) + plain[2:] + second + CANARY


def mpo(image: Image.Image) -> bytes:
    """Two pictures in one file, as phones keep a portrait's depth or a motion."""
    return saved(image, "MPO", quality=60, exif=exif(), save_all=True, append_images=[image.rotate(90)]) + CANARY


def png(image: Image.Image) -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", TEXT)
    text.add_text("Location", TEXT, zip=True)
    text.add_itxt("XML:com.adobe.xmp", TEXT)
    return saved(image, "PNG", pnginfo=text, exif=exif(), icc_profile=CANARY) + CANARY


def webp(image: Image.Image) -> bytes:
    return saved(image, "WEBP", quality=60, exif=exif(), xmp=CANARY, icc_profile=CANARY)


def gif(image: Image.Image) -> bytes:
    return saved(image, "GIF", comment=CANARY)


def tiff(image: Image.Image) -> bytes:
    return saved(image, "TIFF", exif=exif(), description=TEXT, icc_profile=CANARY)


def tagged(image: Image.Image) -> Image.Image:
    found = image.copy()
    found.info.update(exif=exif(), comment=CANARY, icc_profile=CANARY, xmp=CANARY, dpi=(45, 9))
    return found


def opened(image: Image.Image) -> Image.Image:
    return Image.open(io.BytesIO(jpeg(image)))


CARRIERS: dict[str, Callable[[Image.Image], Any]] = {
    "JPEG": jpeg,
    "MPO": mpo,
    "PNG": png,
    "WebP": webp,
    "GIF": gif,
    "TIFF": tiff,
    "Pillow": tagged,
    "Pillow, not yet read": opened,
}


def photo(side: int) -> Image.Image:
    rng = np.random.default_rng(3)
    coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3), np.uint8))
    return coarse.resize((side, side), Image.Resampling.BICUBIC)


def opened_picture(carrier: str, side: int) -> OpenPicture:
    image = CARRIERS[carrier](photo(side))
    if isinstance(image, bytes):
        assert CANARY in image  # or the test would show nothing
    return open_picture(image, InputSpec())


def markers(content: bytes) -> list[int]:
    """The markers of a JPEG and, of its application segments, those that say more than how colours are stored."""
    found, at = [], 0
    while True:
        assert content[at] == 0xFF
        marker = content[at + 1]
        if marker == 0xD9:
            assert at + 2 == len(content)
            return found
        length = 0 if marker == 0xD8 else int.from_bytes(content[at + 2 : at + 4], "big")
        body = content[at + 4 : at + 2 + length]
        fixed = (marker, body[:5], len(body)) in ((0xE0, b"JFIF\0", 14), (0xEE, b"Adobe", 12))
        if not fixed and marker != 0xD8:
            found.append(marker)
        at += 2 + length
        if marker == 0xDA:
            while content[at] != 0xFF or content[at + 1] in (0, *range(0xD0, 0xD8)):
                at += 1


def assert_clean(content: bytes) -> None:
    assert CANARY not in content
    assert set(markers(content)) <= PICTURE_MARKERS
    image = Image.open(io.BytesIO(content))
    assert not image.getexif()
    assert set(image.info) <= {
        "jfif",
        "jfif_version",
        "jfif_unit",
        "jfif_density",
        "dpi",
        "adobe",
        "adobe_transform",
    }


@pytest.mark.parametrize("side", [120, 700], ids=["small", "large"])
@pytest.mark.parametrize("carrier", CARRIERS)
def test_an_upload_is_pixels_and_nothing_else(carrier: str, side: int) -> None:
    content, media_type = opened_picture(carrier, side).payload({})
    assert media_type == "image/jpeg"
    assert_clean(content)


def test_the_small_file_above_is_sent_as_it_is_but_for_that() -> None:
    """Else the test above would show nothing of that path."""
    picture = opened_picture("JPEG", 120)
    sent = np.asarray(Image.open(io.BytesIO(picture.payload({})[0])))
    assert np.array_equal(sent, np.asarray(Image.open(io.BytesIO(jpeg(photo(120))))))


def test_a_segment_that_no_decoder_knows_goes_too() -> None:
    content = saved(photo(64), "JPEG")
    for marker in (*range(0xF0, 0xFE), 0xC8, 0xDE, 0xDF):
        hidden = content[:2] + segment(marker, CANARY) + content[2:]
        assert strip_metadata(hidden) == strip_metadata(content)


def open_inference(datatype: str, extensions: list[str]) -> OpenInferenceProtocol:
    protocol = OpenInferenceProtocol("m", version=None, normalisation=None, labels=())
    shape = [1] if datatype == "BYTES" else [1, 224, 224, 3]
    document = f'"inputs":[{{"name":"x","datatype":"{datatype}","shape":{shape}}}]'
    documents = (f'{{"extensions":{extensions}}}'.replace("'", '"'), f"{{{document}}}")
    for question, told in zip(protocol.questions(), documents, strict=True):
        protocol.learn(question, Reply(status=200, headers={}, body=told.encode()))
    return protocol


@pytest.mark.parametrize("extensions", [[], ["binary_tensor_data"]], ids=["JSON", "raw"])
@pytest.mark.parametrize("datatype", ["BYTES", "UINT8"])
@pytest.mark.parametrize("carrier", CARRIERS)
def test_neither_is_what_another_protocol_sends(carrier: str, datatype: str, extensions: list[str]) -> None:
    call = open_inference(datatype, extensions).classify(opened_picture(carrier, 300), None, "id", {})
    assert call.body is not None
    assert CANARY not in call.body
    if datatype == "BYTES" and extensions:
        assert_clean(call.body[call.body.index(b"\xff\xd8\xff") :])


def test_the_carriers_carry_what_they_are_said_to() -> None:
    text = Image.open(io.BytesIO(png(photo(64))))
    assert text.info["Location"] == TEXT
    for content in (jpeg(photo(64)), webp(photo(64)), png(photo(64)), tiff(photo(64))):
        found = Image.open(io.BytesIO(content)).getexif()
        assert (found[0x010E], found.get_ifd(0x8825)[29]) == (TEXT, TEXT)
