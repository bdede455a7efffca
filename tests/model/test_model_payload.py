"""The forms in which a picture may be uploaded: what is known of them, and that a picture takes each."""

from __future__ import annotations

import io
import re
import statistics
from itertools import pairwise
from pathlib import Path

import pytest
from image_variants import encode
from PIL import Image

from offload_sdk.model import InputSpec, open_picture, payloads_for

SPEC = InputSpec()
LADDER = payloads_for(SPEC)


@pytest.mark.light
def test_the_ladder_goes_from_the_best_to_the_smallest() -> None:
    assert (LADDER[0].side_px, LADDER[0].quality) == (256, 90)
    for better, smaller in pairwise(LADDER):
        assert smaller.expected_bytes < better.expected_bytes
        assert smaller.side_px <= better.side_px
        assert (smaller.agreement_frac or 1.0) < (better.agreement_frac or 0.0)


@pytest.mark.light
def test_it_grows_with_the_input_of_the_model() -> None:
    large = payloads_for(InputSpec(width=448, height=448))
    assert [payload.side_px for payload in large] == [2 * payload.side_px for payload in LADDER]
    assert [payload.expected_bytes for payload in large] == [4 * payload.expected_bytes for payload in LADDER]


@pytest.mark.light
def test_what_a_user_sets_is_all_there_is() -> None:
    (quality,) = payloads_for(SPEC, quality=40)
    assert (quality.side_px, quality.quality, quality.agreement_frac) == (256, 40, None)
    (side,) = payloads_for(SPEC, side_px=128)
    assert (side.side_px, side.quality) == (128, 90)


@pytest.mark.light
def test_a_picture_takes_every_form_and_is_decoded_once(coffee: Image.Image) -> None:
    picture = open_picture(encode(coffee), SPEC)
    timings: dict[str, float] = {}
    found = [picture.payload(timings, payload)[0] for payload in LADDER]
    assert [Image.open(io.BytesIO(each)).size[0] for each in found] == [payload.side_px for payload in LADDER]
    assert [len(each) for each in found] == sorted((len(each) for each in found), reverse=True)
    again: dict[str, float] = {}
    assert [picture.payload(again, payload)[0] for payload in LADDER] == found
    assert again == {}
    assert picture.payload(again)[0] == found[0]


@pytest.mark.light
def test_a_small_original_is_sent_for_the_forms_that_would_be_larger(coffee: Image.Image) -> None:
    content = encode(coffee.resize((300, 200)), "JPEG", quality=75)
    picture = open_picture(content, SPEC)
    for payload in LADDER:
        sent, _ = picture.payload({}, payload)
        assert (Image.open(io.BytesIO(sent)).size == (300, 200)) == (len(content) <= payload.expected_bytes)
        assert len(sent) <= len(content)


@pytest.mark.light
def test_the_settings_page_shows_the_ladder() -> None:
    page = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\| (\d+) px, (\d+) \| (\d+) KB \| (\d+) % \|", page, re.MULTILINE)
    assert [tuple(map(int, row)) for row in shown] == [
        (p.side_px, p.quality, round(p.expected_bytes / 1e3), round(100 * (p.agreement_frac or 0.0)))
        for p in LADDER
    ]


def test_photographs_take_what_the_table_says(shared_data: Path) -> None:
    """The shares of labels are checked by `python -m benchmarks.payload`."""
    sizes: list[list[int]] = [[] for _ in LADDER]
    for path in sorted((shared_data / "images" / "labelled").glob("*.JPEG")):
        picture = open_picture(path, SPEC)
        for place, payload in enumerate(LADDER):
            sizes[place].append(len(picture.payload({}, payload)[0]))
    for payload, found in zip(LADDER, sizes, strict=True):
        assert statistics.mean(found) == pytest.approx(payload.expected_bytes, rel=0.1)
