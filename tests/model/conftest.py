"""Models and photographs for the tests of `offload_sdk.model`. Each model is built or loaded once."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from offload_sdk.model import Classifier, resolve


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def offline(models_dir: Path) -> Classifier:
    """EfficientNet-Lite0, built from the installed package."""
    return Classifier(resolve("auto", models_dir))


@pytest.fixture(scope="session")
def mobilenet(shared_data: Path, models_dir: Path) -> Classifier:
    """MobileNetV3-Small, uint8, 1001 outputs, given by path."""
    return Classifier(resolve(shared_data / "models" / "mobilenet_v3_small_1.0_224.uint8.tflite", models_dir))


@pytest.fixture(scope="session")
def labelled(shared_data: Path) -> list[tuple[Path, int, str]]:
    """A hundred photographs with their class and its label in full."""
    folder = shared_data / "images" / "labelled"
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as stream:
        return [(folder / row["file"], int(row["class_index"]), row["label"]) for row in csv.DictReader(stream)]


@pytest.fixture(scope="session")
def coffee() -> Image.Image:
    """A cup of espresso, 600 x 400, RGB."""
    data: Any = pytest.importorskip("skimage.data")
    return Image.fromarray(data.coffee())


@pytest.fixture(scope="session")
def gradient() -> Image.Image:
    """No photograph: left is black and right is red, top is without green and bottom full of it."""
    image = Image.new("RGB", (320, 240))
    image.putdata([(x * 255 // 319, y * 255 // 239, 40) for y in range(240) for x in range(320)])
    return image
