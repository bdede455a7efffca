"""What the model gets to see: geometry, colours, orientation, and that both sides see the same."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from image_variants import encode, variants
from PIL import Image

from offload_sdk.model import InputSpec, open_picture, payloads_for
from offload_sdk.model.pixels import central_square, draft_size
from offload_sdk.typing import Picture

SPEC = InputSpec()


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """The image as a camera stores it that notes this EXIF orientation."""
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # each undoes what the orientation asks for
    return image if orientation == 1 else image.transpose(Image.Transpose(undo[orientation]))


def difference(a: Any, b: Any) -> float:
    return float(np.abs(np.asarray(a).astype(int) - np.asarray(b)).mean())


def tensor_of(image: Any, spec: InputSpec = SPEC) -> np.ndarray[Any, Any]:
    return open_picture(image, spec).tensor({})[0]


@pytest.mark.light
def test_every_kind_of_input_gives_the_same_pixels(gradient: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    gradient.save(path)
    content = path.read_bytes()
    kinds = [path, str(path), content, bytearray(content), memoryview(content), Image.open(path), gradient]
    expected = tensor_of(np.asarray(gradient))
    for kind in kinds:
        assert np.array_equal(tensor_of(kind), expected)


@pytest.mark.light
def test_the_crop_is_the_convention_of_imagenet(gradient: Image.Image) -> None:
    """Short side to 256, then the central 224: the same region, resampled once."""
    whole = gradient.resize((round(320 * 256 / 240), 256), Image.Resampling.BICUBIC)
    left = (whole.width - 224) // 2
    assert difference(tensor_of(gradient), whole.crop((left, 16, left + 224, 240))) < 1.0


@pytest.mark.light
def test_another_input_size(gradient: Image.Image) -> None:
    picture = open_picture(gradient, InputSpec(width=64, height=48, crop_frac=1.0))
    assert picture.tensor({}).shape == (1, 48, 64, 3)


@pytest.mark.light
def test_cutting_first_changes_nothing(gradient: Image.Image) -> None:
    for side in (20, 100, 224, 400):
        box = (55.0, 15.0, 265.0, 225.0)
        whole = gradient.resize((side, side), Image.Resampling.BICUBIC, box=box)
        assert np.array_equal(central_square(gradient, side, side, 0.875, gap=1e9), whole)


@pytest.mark.light
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_orientation_is_applied(gradient: Image.Image, orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95, "subsampling": 0} if kind == "JPEG" else {}
    content = encode(turned(gradient, orientation), kind, exif=exif, **options)
    expected = tensor_of(gradient)
    assert difference(tensor_of(content), expected) < 1.5
    payload, _ = open_picture(content, SPEC).payload({})
    assert difference(tensor_of(payload), expected) < 2.5


@pytest.mark.light
def test_a_damaged_orientation_is_ignored(gradient: Image.Image) -> None:
    for exif in (b"Exif\0\0garbage", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"):
        content = encode(gradient, "JPEG", exif=exif)
        assert difference(tensor_of(content), tensor_of(gradient)) < 4


@pytest.mark.light
def test_every_kind_of_colour_gives_the_same_picture(gradient: Image.Image) -> None:
    colour, grey = tensor_of(gradient), tensor_of(gradient.convert("L"))
    for name, variant in variants(gradient).items():
        expected = grey if name in ("16-bit", "16-bit TIFF", "grey", "mode LA") else colour
        limit = 6 if name in ("palette", "GIF", "WebP", "CMYK") else 2
        assert difference(tensor_of(variant), expected) < limit, name


@pytest.mark.light
def test_transparency_shows_white() -> None:
    image = Image.new("RGBA", (300, 300), (0, 0, 0, 0))
    assert tensor_of(encode(image)).min() == 255
    palette = Image.new("P", (300, 300), 0)
    palette.putpalette([10, 20, 30])
    assert tensor_of(encode(palette, "PNG", transparency=0)).min() == 255
    assert tuple(tensor_of(encode(palette))[0, 0]) == (10, 20, 30)


@pytest.mark.light
def test_the_callers_image_is_left_alone(gradient: Image.Image, tmp_path: Path) -> None:
    gradient.resize((2000, 1500)).save(tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as image:
        tensor_of(image)
        assert (image.size, image.mode) == ((2000, 1500), "RGB")


@pytest.mark.light
def test_views_of_frames_work(gradient: Image.Image) -> None:
    frame = np.asarray(gradient)
    assert np.array_equal(tensor_of(frame[:, :, ::-1]), tensor_of(gradient)[:, :, ::-1])
    assert np.array_equal(tensor_of(frame[::2, ::2]), tensor_of(np.ascontiguousarray(frame[::2, ::2])))


@pytest.mark.light
def test_an_odd_rest_does_not_shift_the_centre(gradient: Image.Image) -> None:
    for width, height in ((320, 240), (319, 240), (320, 239), (319, 239), (101, 240)):
        image = gradient.crop((0, 0, width, height))
        assert np.array_equal(tensor_of(np.asarray(image)), tensor_of(encode(image)))


@pytest.mark.light
def test_what_is_known_before_decoding(gradient: Image.Image) -> None:
    content = encode(gradient, "JPEG")
    picture = open_picture(content, SPEC)
    assert isinstance(picture, Picture)
    assert (picture.info.format, picture.info.width, picture.info.height) == ("JPEG", 320, 240)
    assert picture.info.encoded_bytes == len(content)
    frame = open_picture(np.asarray(gradient), SPEC).info
    assert (frame.format, frame.width, frame.height, frame.encoded_bytes) == ("RGB", 320, 240, None)


@pytest.mark.light
def test_each_step_is_timed_and_done_once(gradient: Image.Image) -> None:
    picture = open_picture(encode(gradient), SPEC)
    first: dict[str, float] = {"decode": 100.0}
    tensor = picture.tensor(first)
    assert set(first) == {"decode", "preprocess"}
    assert first["decode"] > 100.0
    second: dict[str, float] = {}
    payload = picture.payload(second)
    assert set(second) == {"encode"}  # decoded already
    third: dict[str, float] = {}
    assert picture.tensor(third) is tensor
    assert picture.payload(third) == payload
    assert third == {}


@pytest.mark.light
def test_several_threads_may_ask_at_once(gradient: Image.Image) -> None:
    picture = open_picture(encode(gradient.resize((1600, 1200)), "JPEG"), SPEC)
    found: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: found.append(picture.tensor({}).tobytes() + picture.payload({})[0]))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 8
    assert len(set(found)) == 1


@pytest.mark.light
def test_the_payload_is_the_square_without_metadata(gradient: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x010E] = "a secret place"
    noisy = np.random.default_rng(1).integers(0, 256, (900, 1200, 3), dtype=np.uint8)
    content = encode(Image.fromarray(noisy), "JPEG", exif=exif, comment=b"secret", icc_profile=b"secret" * 9)
    payload, media_type = open_picture(content, SPEC).payload({})
    assert media_type == "image/jpeg"
    assert b"secret" not in payload
    image = Image.open(io.BytesIO(payload))
    assert (image.format, image.size, dict(image.getexif())) == ("JPEG", (256, 256), {})


@pytest.mark.light
def test_a_smaller_original_is_sent_instead_without_decoding(gradient: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x010E] = "a secret place"
    content = encode(gradient, "JPEG", exif=exif, quality=60)
    timings: dict[str, float] = {}
    payload, _ = open_picture(content, SPEC).payload(timings)
    assert timings == {}
    assert len(payload) < len(content)
    assert b"secret" not in payload
    assert np.array_equal(tensor_of(payload), tensor_of(content))


@pytest.mark.light
def test_small_pictures_are_not_blown_up(gradient: Image.Image) -> None:
    payload, _ = open_picture(np.asarray(gradient.resize((90, 70))), SPEC).payload({})
    assert Image.open(io.BytesIO(payload)).size == (70, 70)


@pytest.mark.light
def test_quality_and_side_are_options(gradient: Image.Image) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (600, 600, 3), dtype=np.uint8)
    sizes = []
    for quality in (30, 60, 90, 95):
        (payload,) = payloads_for(SPEC, quality=quality)
        sizes.append(len(open_picture(noise, SPEC, payload=payload).payload({})[0]))
    assert sizes == sorted(set(sizes))
    (small_payload,) = payloads_for(SPEC, side_px=128)
    small, _ = open_picture(noise, SPEC, payload=small_payload).payload({})
    assert Image.open(io.BytesIO(small)).size == (128, 128)
    expected = [payloads_for(SPEC, quality=quality)[0].expected_bytes for quality in (30, 60, 90, 95)]
    assert expected == sorted(set(expected))


@pytest.mark.light
def test_the_receiver_cuts_out_just_what_the_device_would_have_used(gradient: Image.Image) -> None:
    """Apart from the coding, which is switched off here: the pixels are the same."""
    square = central_square(gradient, 256, 256, 1.0)
    assert np.array_equal(tensor_of(encode(square)), central_square(gradient, 224, 224, 0.875))


@pytest.mark.light
@pytest.mark.parametrize(
    ("size", "reduction"), [((4000, 3000), 8), ((3000, 4000), 8), ((1600, 1200), 2), ((640, 480), 1)]
)
def test_jpegs_are_decoded_at_reduced_scale(size: tuple[int, int], reduction: int) -> None:
    image = Image.open(io.BytesIO(encode(Image.new("RGB", size), "JPEG")))
    image.draft(None, draft_size(*size, 256))
    assert image.size == (size[0] // reduction, size[1] // reduction)


def test_the_expected_payload_is_about_right(coffee: Image.Image) -> None:
    for quality in (50, 70, 90, 95):
        (payload,) = payloads_for(SPEC, quality=quality)
        found = len(open_picture(coffee, SPEC, payload=payload).payload({})[0])
        assert 0.6 < found / payload.expected_bytes < 1.6


def test_reduced_scale_stays_within_its_bound(shared_data: Path) -> None:
    """Mean difference per image, in levels of 255; see benchmarks/preprocessing.py for the distribution."""
    differences = []
    for path in sorted((shared_data / "images" / "camera").iterdir()):
        with Image.open(path) as image:
            image.load()
            orientation = image.getexif().get(0x0112, 1)
            exact = central_square(image, 224, 224, 0.875, orientation, gap=1e9)
        differences.append(difference(tensor_of(path), exact))
    assert max(differences) < 2.5
    assert sum(differences) / len(differences) < 0.6


@pytest.mark.light
def test_premultiplied_grey_is_understood(gradient: Image.Image) -> None:
    grey = gradient.convert("L")
    assert np.array_equal(tensor_of(grey.convert("LA").convert("La")), tensor_of(grey))


@pytest.mark.light
def test_strips_give_the_pixels_of_the_whole() -> None:
    noise = np.random.default_rng(4).integers(0, 256, (1701, 2403), dtype=np.uint8)
    grey = Image.fromarray(noise)
    for side, crop_frac in ((224, 0.875), (256, 1.0)):
        left, top, kept = (2403 - 1701 * crop_frac) / 2, 1701 * (1 - crop_frac) / 2, 1701 * crop_frac
        box = (left, top, left + kept, top + kept)
        whole = grey.convert("RGB").resize((side, side), Image.Resampling.BICUBIC, box=box, reducing_gap=2.0)
        assert np.array_equal(central_square(grey, side, side, crop_frac), whole)


@pytest.mark.light
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from /proc")
@pytest.mark.parametrize(("mode", "bytes_per_px"), [("RGBA", 4), ("RGB", 4), ("P", 1)])
def test_a_large_picture_is_held_once(mode: str, bytes_per_px: int, tmp_path: Path) -> None:
    side = 4000
    Image.new(mode, (side, side)).save(tmp_path / "large.png", compress_level=1)
    code = """if True:
        import sys
        from PIL import Image
        from offload_sdk.model import InputSpec, open_picture
        def peak_kib():
            with open("/proc/self/status") as lines:
                return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
        open_picture(Image.new("RGBA", (300, 300)), InputSpec()).payload({})
        before = peak_kib()
        picture = open_picture(sys.argv[1], InputSpec())
        picture.tensor({}), picture.payload({})
        print((peak_kib() - before) * 1024)"""
    command = [sys.executable, "-c", code, str(tmp_path / "large.png")]
    found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert int(found.stdout) < 1.3 * bytes_per_px * side * side + 20e6
