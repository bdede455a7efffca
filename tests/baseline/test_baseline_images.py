"""Which files of a folder are measured, under which names, and which are passed over."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from baseline_kit import write_pictures
from offload_kit import jpeg
from PIL import Image

from offload_sdk.baseline.images import Found, find_images
from offload_sdk.errors import ConfigurationError
from offload_sdk.model import PictureLimits


def _find(*places: Path, **limits: int) -> Found:
    return find_images(places, PictureLimits(**limits))  # type: ignore[arg-type]


def _names(*places: Path) -> list[str]:
    return [image.name for image in _find(*places).images]


def test_a_folder_is_searched_with_its_subfolders(tmp_path: Path) -> None:
    write_pictures(tmp_path, 2)
    write_pictures(tmp_path / "sea" / "deep", 1)
    assert _names(tmp_path) == ["0.jpg", "1.jpg", "sea/deep/0.jpg"]


def test_what_is_hidden_and_what_is_no_image_is_passed_over(tmp_path: Path) -> None:
    write_pictures(tmp_path, 1)
    write_pictures(tmp_path / ".thumbnails", 1)
    (tmp_path / ".hidden.jpg").write_bytes(jpeg())
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "page.jpg").write_text("<html>")
    (tmp_path / "scans.jpg").write_bytes(jpeg() + b"\xff\xda" * 40)
    found = _find(tmp_path)
    assert [image.name for image in found.images] == ["0.jpg"]
    assert list(found.skipped) == [
        "empty.jpg",
        "notes.txt",
        "page.jpg",
        "scans.jpg",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="needs pipes and links")
def test_pipes_dead_links_and_rings_of_links_hold_nobody_up(tmp_path: Path) -> None:
    write_pictures(tmp_path, 1)
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "dead.jpg").symlink_to(tmp_path / "nothing")
    (tmp_path / "ring").symlink_to(tmp_path)
    (tmp_path / "link.jpg").symlink_to(tmp_path / "0.jpg")
    found = _find(tmp_path)
    assert [image.name for image in found.images] == ["0.jpg", "link.jpg"]
    assert len(found.skipped) == 2


def test_an_image_is_known_by_what_is_in_it_and_not_by_its_suffix(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg", "PNG")
    (image,) = _find(tmp_path).images
    assert image.media_type == "image/png"


def test_too_large_images_are_passed_over(tmp_path: Path) -> None:
    write_pictures(tmp_path, 2)
    Image.new("RGB", (200, 200)).save(tmp_path / "large.png")
    found = find_images([tmp_path], PictureLimits(max_pixels=10_000))
    assert [image.name for image in found.images] == ["0.jpg", "1.jpg"]
    assert found.skipped == ("large.png",)


def test_several_places_are_named_from_the_folder_that_holds_them_all(tmp_path: Path) -> None:
    land, sea = write_pictures(tmp_path / "land", 1), write_pictures(tmp_path / "sea", 1)
    assert _names(land, sea) == ["land/0.jpg", "sea/0.jpg"]
    assert _names(land, land / "0.jpg") == ["0.jpg"]
    assert _names(land / "0.jpg") == ["0.jpg"]


@pytest.mark.skipif(sys.platform != "linux", reason="needs names that are no UTF-8")
def test_a_name_in_another_encoding_is_shown_with_escapes(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xe9t\xe9.jpg")).write_bytes(jpeg())
    (image,) = _find(tmp_path).images
    assert image.name == "\\xe9t\\xe9.jpg"
    assert image.path.exists()


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: path.write_text("no picture")])
def test_no_image_at_all_is_an_error(tmp_path: Path, make) -> None:  # type: ignore[no-untyped-def]
    make(tmp_path / "place")
    with pytest.raises(ConfigurationError, match=r"there is no image in .*place"):
        _find(tmp_path / "place")


def test_the_results_are_no_images_even_if_they_lie_among_them(tmp_path: Path) -> None:
    write_pictures(tmp_path, 1)
    out = write_pictures(tmp_path / "out", 1)
    assert [image.name for image in find_images([tmp_path], PictureLimits(), without=out).images] == ["0.jpg"]
    with pytest.raises(ConfigurationError, match="give another folder with --out"):
        find_images([out], PictureLimits(), without=tmp_path / "x" / ".." / "out")


def test_a_place_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"there is no file or folder .*nowhere"):
        _find(tmp_path / "nowhere")
