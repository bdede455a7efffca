"""The classifier: its answers on real photographs, several threads, closing."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from image_variants import variants
from PIL import Image
from small_models import brightest_channel

from offload_sdk.errors import InvalidImageError, ModelError
from offload_sdk.model import Classifier, InputSpec, ModelFile, Normalisation, open_picture, runtime_name
from offload_sdk.model.tflite_writer import TensorType

Labelled = list[tuple[Path, int, str]]
UNIT = Normalisation(mean=(0, 0, 0), std=(255, 255, 255))


@pytest.fixture
def small(tmp_path: Path) -> Classifier:
    """Three classes; the brightest channel wins."""
    path = tmp_path / "small.tflite"
    path.write_bytes(brightest_channel())
    spec = InputSpec(width=8, height=8)
    return Classifier(ModelFile(name="small", path=path, spec=spec, labels=("r", "g", "b"), normalisation=UNIT))


def hits(classifier: Classifier, labelled: Labelled) -> tuple[int, int]:
    """How many photographs have their class in the first place, and in the first five."""
    first = five = 0
    for path, index, _ in labelled:
        best = classifier.classify_tensor(open_picture(path, classifier.spec).tensor({}), 5)
        first += best[0].index == index
        five += index in [label.index for label in best]
    return first, five


@pytest.mark.light
@pytest.mark.parametrize(
    ("photo", "names"),
    [("coffee", {"espresso"}), ("chelsea", {"tabby", "tiger cat", "Egyptian cat"}), ("rocket", {"missile"})],
)
def test_known_photographs(offline: Classifier, photo: str, names: set[str]) -> None:
    data: Any = pytest.importorskip("skimage.data")
    tensor = open_picture(getattr(data, photo)(), offline.spec).tensor({})
    assert offline.classify_tensor(tensor, 1)[0].name in names


@pytest.mark.light
def test_the_label_does_not_depend_on_the_file_format(offline: Classifier, coffee: Image.Image) -> None:
    for name, variant in variants(coffee).items():
        best = offline.classify_tensor(open_picture(variant, offline.spec).tensor({}), 1)[0]
        grey = name in ("16-bit", "16-bit TIFF", "grey", "mode LA")
        assert best.name in ({"espresso", "cup"} if grey else {"espresso"}), name


def test_the_offline_model_is_accurate(offline: Classifier, labelled: Labelled) -> None:
    first, five = hits(offline, labelled)
    assert first >= 85
    assert five >= 95


def test_mobilenet_reaches_its_published_accuracy(mobilenet: Classifier, labelled: Labelled) -> None:
    """75 and 92 of 100 are stated for the whole picture scaled bilinearly; the crop does better."""
    first, five = hits(mobilenet, labelled)
    assert first >= 75
    assert five >= 92


def test_labels_survive_the_upload(offline: Classifier, labelled: Labelled) -> None:
    same = 0
    for path, _, _ in labelled:
        payload, _ = open_picture(path, offline.spec).payload({})
        there = offline.infer(open_picture(payload, offline.spec).tensor({}))
        here = offline.infer(open_picture(path, offline.spec).tensor({}))
        same += int(there.argmax() == here.argmax())
    assert same >= 97


def test_a_lossless_upload_changes_nothing(offline: Classifier, labelled: Labelled) -> None:
    from offload_sdk.model.pixels import central_square

    for path, _, _ in labelled[:10]:
        with Image.open(path) as image:
            square = central_square(image, 256, 256, 1.0)
            expected = central_square(image, 224, 224, 0.875)
        assert np.array_equal(open_picture(square, offline.spec).tensor({})[0], np.asarray(expected))


@pytest.mark.light
def test_top_ranks_and_breaks_ties_by_index(small: Classifier) -> None:
    rank: Callable[..., Any] = lambda values, k: [  # noqa: E731 - one line for one table
        (label.index, label.name) for label in small.top(np.array(values, np.float32), k)
    ]
    assert rank([0.1, 0.7, 0.2], 2) == [(1, "g"), (2, "b")]
    assert rank([0.1, 0.7, 0.2], 9) == [(1, "g"), (2, "b"), (0, "r")]
    assert rank([0.5, 0.0, 0.5], 2) == [(0, "r"), (2, "b")]
    assert rank([0.5, 0.0, 0.5], 0) == []
    label = small.top(np.array([0.25, 0.5, 0.25], np.float32), 1)[0]
    assert type(label.probability) is float
    assert type(label.index) is int


@pytest.mark.light
def test_the_answer_is_the_callers_own(small: Classifier) -> None:
    red, blue = (np.zeros((1, 8, 8, 3), np.uint8) for _ in range(2))
    red[..., 0], blue[..., 2] = 255, 255
    first = small.infer(red)
    kept = first.copy()
    small.infer(blue)
    assert np.array_equal(first, kept)
    assert small.classify_tensor(blue, 1)[0].name == "b"


@pytest.mark.light
def test_times_are_added_up(small: Classifier) -> None:
    timings = {"infer": 100.0, "decode": 7.0}
    small.infer(np.zeros((1, 8, 8, 3), np.uint8), timings)
    assert timings["decode"] == 7.0
    assert 100.0 < timings["infer"] < 101.0
    assert 0.0 <= timings["wait"] < 1.0


@pytest.mark.light
@pytest.mark.parametrize(
    "tensor", [np.zeros((1, 8, 8, 3), np.float64), np.zeros((8, 8, 3), np.uint8), np.zeros((1, 9, 8, 3), np.uint8)]
)
def test_wrong_tensors_are_refused(small: Classifier, tensor: Any) -> None:
    with pytest.raises(InvalidImageError, match="uint8 pixels or float32 values of shape"):
        small.infer(tensor)


@pytest.mark.light
def test_several_threads_get_their_own_answers(small: Classifier) -> None:
    wrong: list[int] = []

    def work(channel: int) -> None:
        frame = np.zeros((1, 8, 8, 3), np.uint8)
        frame[..., channel] = 200
        wrong.extend(channel for _ in range(300) if small.infer(frame).argmax() != channel)

    threads = [threading.Thread(target=work, args=(channel % 3,)) for channel in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert wrong == []


@pytest.mark.light
def test_a_closed_classifier_says_so(small: Classifier) -> None:
    small.close()
    small.close()
    with pytest.raises(ModelError, match="closed"):
        small.infer(np.zeros((1, 8, 8, 3), np.uint8))


@pytest.mark.light
def test_threads_change_nothing_but_the_time(offline: Classifier, coffee: Image.Image) -> None:
    tensor = open_picture(coffee, offline.spec).tensor({})
    with_two = Classifier(offline.model, threads=2)
    assert with_two.threads == 2
    np.testing.assert_allclose(with_two.infer(tensor), offline.infer(tensor), atol=1e-5)


@pytest.mark.light
def test_the_runtime_is_named() -> None:
    name, _, version = runtime_name().partition(" ")
    assert name in ("ai-edge-litert", "tflite-runtime")
    assert version


@pytest.mark.light
def test_without_a_runtime_the_error_says_how_to_install_one() -> None:
    code = (
        "import sys; sys.modules['ai_edge_litert'] = sys.modules['tflite_runtime'] = None\n"
        "from offload_sdk.model import runtime_name\n"
        "try: runtime_name()\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.startswith("ModelError No TFLite runtime")
    assert "pip install ai-edge-litert" in found.stdout


@pytest.mark.light
def test_loading_a_model_writes_nothing_to_standard_error(small: Classifier) -> None:
    code = (
        "import os, sys, pathlib\n"
        "from offload_sdk.model.runtime import new_interpreter\n"
        "new_interpreter(pathlib.Path(sys.argv[1]), 1)\n"
        "os.write(2, b'mine')\n"
    )
    command = [sys.executable, "-c", code, str(small.model.path)]
    found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert found.stderr == "mine"


@pytest.mark.light
def test_values_as_the_model_takes_them_give_what_pixels_give(small: Classifier) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (1, 8, 8, 3), np.uint8)
    values = (pixels / 255.0).astype(np.float32)
    np.testing.assert_allclose(small.infer(values), small.infer(pixels), rtol=1e-5)


@pytest.mark.light
def test_a_quantised_model_takes_pixels_only(tmp_path: Path) -> None:
    path = tmp_path / "bytes.tflite"
    path.write_bytes(brightest_channel(dtype=TensorType.UINT8, scale=1 / 255))
    spec = InputSpec(width=8, height=8)
    classifier = Classifier(ModelFile(name="bytes", path=path, spec=spec, labels=("r", "g", "b")))
    assert len(classifier.infer(np.zeros((1, 8, 8, 3), np.uint8))) == 3
    with pytest.raises(InvalidImageError, match="uint8 pixels of shape"):
        classifier.infer(np.zeros((1, 8, 8, 3), np.float32))
