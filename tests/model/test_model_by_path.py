"""Any image classifier by its path: labels, normalisation, and what is refused."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_models import brightest_channel, metadata

from offload_sdk.errors import ModelError
from offload_sdk.model import Classifier, Normalisation, imagenet_names, resolve
from offload_sdk.model.tflite_writer import GraphWriter, TensorType

pytestmark = pytest.mark.light
LABELS = ("red", "green", "blue")


def store(folder: Path, content: bytes, labels: str | None = "red\ngreen\nblue\n", side: Any = None) -> Path:
    path = folder / "mine.tflite"
    path.write_bytes(content)
    if labels is not None:
        path.with_suffix(".txt").write_text(labels, encoding="utf-8")
    if side is not None:
        path.with_suffix(".json").write_text(json.dumps(side), encoding="utf-8")
    return path


def frame(red: int, green: int, blue: int) -> Any:
    return np.full((1, 8, 8, 3), (red, green, blue), np.uint8)


def infer(path: Path, pixels: Any) -> Any:
    return Classifier(resolve(path, path.parent)).infer(pixels)


def softmax(values: Any) -> Any:
    powers = np.exp(np.asarray(values, np.float64) - np.max(values))
    return powers / powers.sum()


def test_float_input_is_minus_one_to_one_by_default(tmp_path: Path) -> None:
    path = store(tmp_path, brightest_channel())
    model = resolve(path, tmp_path)
    assert (model.name, model.labels, model.background) == ("mine", LABELS, False)
    assert (model.spec.width, model.spec.height, model.spec.crop_frac) == (8, 8, 0.875)
    found = infer(path, frame(255, 0, 51))
    np.testing.assert_allclose(found, softmax([1, -1, -0.6]), atol=1e-6)
    assert found.dtype == np.float32


def test_integer_input_takes_raw_pixels_by_default(tmp_path: Path) -> None:
    path = store(tmp_path, brightest_channel(dtype=TensorType.UINT8, scale=0.01, zero_point=3))
    np.testing.assert_allclose(infer(path, frame(103, 3, 53)), softmax([1, 0, 0.5]), atol=1e-6)


def test_a_normalisation_for_integer_input_is_quantised(tmp_path: Path) -> None:
    content = brightest_channel(dtype=TensorType.UINT8, scale=0.02, zero_point=100)
    path = store(tmp_path, content, side={"mean": 100, "std": 100})
    np.testing.assert_allclose(infer(path, frame(200, 0, 100)), softmax([1, -1, 0]), atol=1e-6)
    per_channel = store(tmp_path, content, side={"mean": [100, 0, 100], "std": [100, 100, 50]})
    np.testing.assert_allclose(infer(per_channel, frame(200, 50, 150)), softmax([1, 0.5, 1]), atol=1e-6)


def test_logits_become_probabilities(tmp_path: Path) -> None:
    path = store(tmp_path, brightest_channel(softmax=False))
    assert resolve(path, tmp_path).output is None
    np.testing.assert_allclose(infer(path, frame(255, 0, 51)), softmax([1, -1, -0.6]), atol=1e-6)


def test_probabilities_are_not_squashed_twice(tmp_path: Path) -> None:
    path = store(tmp_path, brightest_channel(softmax=False), side={"mean": 0, "std": 100})
    # 0.2 + 0.3 + 0.5 = 1, so by themselves the numbers look like probabilities
    np.testing.assert_allclose(infer(path, frame(20, 30, 50)), [0.2, 0.3, 0.5], atol=1e-6)
    path = store(tmp_path, brightest_channel(softmax=False), side={"mean": 0, "std": 100, "output": "logits"})
    np.testing.assert_allclose(infer(path, frame(20, 30, 50)), softmax([0.2, 0.3, 0.5]), atol=1e-6)


def test_a_side_file_says_it_all(tmp_path: Path) -> None:
    side = {"labels": list(LABELS), "mean": [0, 10, 20], "std": [1, 2, 4], "order": "BGR", "crop_frac": 1}
    path = store(tmp_path, brightest_channel(), labels=None, side=side)
    model = resolve(path, tmp_path)
    assert model.normalisation == Normalisation(mean=(0, 10, 20), std=(1, 2, 4), bgr=True)
    assert model.spec.crop_frac == 1.0
    np.testing.assert_allclose(infer(path, frame(40, 20, 5)), softmax([5, 5, 5]), atol=1e-6)


def test_metadata_in_the_file_is_read(tmp_path: Path) -> None:
    schema: Any = pytest.importorskip("ai_edge_litert.schema_py_generated")
    import flatbuffers  # type: ignore[import-untyped]

    model = schema.ModelT.InitFromPackedBuf(brightest_channel(), 0)
    entry, holder = schema.MetadataT(), schema.BufferT()
    entry.name, entry.buffer = "TFLITE_METADATA", len(model.buffers)
    holder.data = np.frombuffer(metadata([0.0], [100.0], "names.txt"), np.uint8)
    model.metadata = [entry]
    model.buffers.append(holder)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("names.txt", "rouge\nvert\nbleu\n")
    path = store(tmp_path, bytes(builder.Output()) + archive.getvalue())
    found = resolve(path, tmp_path)
    assert found.labels == ("rouge", "vert", "bleu")
    assert found.normalisation == Normalisation(mean=(0, 0, 0), std=(100, 100, 100))
    np.testing.assert_allclose(infer(path, frame(100, 0, 50)), softmax([1, 0, 0.5]), atol=1e-6)


@pytest.mark.parametrize(
    "text",
    ["red\ngreen\nblue", "0:red\n1:green\n2:blue\n\n", "0 red\n1 green\n2 blue\n", "\ufeffred\r\ngreen\r\nblue"],
)
def test_label_files_come_in_several_forms(tmp_path: Path, text: str) -> None:
    assert resolve(store(tmp_path, brightest_channel(), text), tmp_path).labels == LABELS


def test_labels_txt_beside_the_model_is_found(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("a\nb\nc\n", encoding="utf-8")
    assert resolve(store(tmp_path, brightest_channel(), None), tmp_path).labels == ("a", "b", "c")


def test_the_background_is_recognised_and_dropped(tmp_path: Path) -> None:
    path = store(tmp_path, brightest_channel(), "background\ngreen\nblue")
    model = resolve(path, tmp_path)
    assert (model.labels, model.background) == (("green", "blue"), True)
    np.testing.assert_allclose(infer(path, frame(255, 0, 51)), softmax([1, -1, -0.6])[1:], atol=1e-6)


@pytest.mark.parametrize(("outputs", "background"), [(1000, False), (1001, True)])
def test_imagenet_models_need_no_labels_and_get_our_names(tmp_path: Path, outputs: int, background: bool) -> None:
    graph = GraphWriter("test")
    source, pooled, logits = (
        graph.tensor(n, s) for n, s in (("x", (1, 8, 8, 3)), ("p", (1, 3)), ("y", (1, outputs)))
    )
    graph.mean(source, graph.constant("axes", np.array([1, 2]), TensorType.INT32), pooled)
    graph.fully_connected(
        pooled,
        graph.constant("w", np.zeros((outputs, 3))),
        graph.constant("b", np.arange(outputs) / outputs),
        logits,
    )
    path = store(tmp_path, graph.write(source, logits), None)
    model = resolve(path, tmp_path)
    assert (model.labels, model.background) == (imagenet_names(), background)
    classifier = Classifier(model)
    best = classifier.classify_tensor(frame(1, 2, 3), 2)
    assert [(label.index, label.name) for label in best] == [
        (999, "toilet tissue"),
        (998, imagenet_names()[998]),
    ]
    published = ["background"] * background + [name + ", and a synonym" for name in imagenet_names()]
    path.with_suffix(".txt").write_text("\n".join(published), encoding="utf-8")
    assert resolve(path, tmp_path).labels == imagenet_names()


@pytest.mark.parametrize(
    ("shape", "message"),
    [((1, 8, 8, 1), "not an image classifier"), ((2, 8, 8, 3), "not an image classifier")],
)
def test_other_inputs_are_refused(tmp_path: Path, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        resolve(store(tmp_path, brightest_channel(shape)), tmp_path)


def test_other_ranks_are_refused(tmp_path: Path) -> None:
    graph = GraphWriter("test")
    source, answer = graph.tensor("x", (1, 9)), graph.tensor("y", (1, 9))
    graph.softmax(source, answer)
    with pytest.raises(ModelError, match=r"input has the shape \[1, 9\]"):
        resolve(store(tmp_path, graph.write(source, answer)), tmp_path)


@pytest.mark.parametrize(
    ("side", "message"),
    [
        ([], "one JSON object"),
        ({"lables": "x"}, "unknown keys: lables"),
        ({"labels": 5}, "labels must be"),
        ({"labels": "none.txt"}, "labels cannot be read"),
        ({"labels": ["a"]}, "3 outputs, but there are 1 labels"),
        ({"mean": "high"}, "one number or three"),
        ({"mean": [1, 2]}, "one number or three"),
        ({"mean": 10**400}, "ordinary size"),
        ({"labels": "a\0b.txt"}, "labels cannot be read"),
        ({"std": 0}, "must not be 0"),
        ({"order": "GRB"}, "RGB or BGR"),
        ({"crop_frac": 0}, "crop_frac"),
        ({"output": "scores"}, "probabilities or logits"),
    ],
)
def test_a_wrong_side_file_is_named(tmp_path: Path, side: Any, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        resolve(store(tmp_path, brightest_channel(), side=side), tmp_path)


def test_a_deeply_nested_side_file_is_refused(tmp_path: Path) -> None:
    path = store(tmp_path, brightest_channel())
    path.with_suffix(".json").write_text("[" * 200_000, encoding="utf-8")
    with pytest.raises(ModelError, match=r"mine\.json cannot be read"):
        resolve(path, tmp_path)


@pytest.mark.parametrize("damage", [b"\xff" * 8, b""])
def test_damaged_embedded_labels_are_refused(tmp_path: Path, damage: bytes) -> None:
    from offload_sdk.model.describe import _embedded_labels

    path = tmp_path / "mine.tflite"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("names.txt", "rouge\nvert\nbleu\n" * 50)
    content = bytearray(path.read_bytes())
    start = 30 + len("names.txt")
    content[start : start + 8] = damage.ljust(8, b"\0")
    path.write_bytes(content)
    with pytest.raises(ModelError, match="does not hold it"):
        _embedded_labels(path, "names.txt")


def test_missing_labels_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"put one name a line into .*mine\.txt"):
        resolve(store(tmp_path, brightest_channel(), None), tmp_path)


def test_files_that_are_no_model_are_refused(tmp_path: Path) -> None:
    for content in (b"", b"hello" * 100, b"\x10\0\0\0TFL3", b"\xff\xff\xff\x7fTFL3" + bytes(99)):
        with pytest.raises(ModelError, match=r"mine\.tflite"):
            resolve(store(tmp_path, content), tmp_path)
    with pytest.raises(ModelError, match="no model file"):
        resolve(tmp_path / "none.tflite", tmp_path)
    with pytest.raises(ModelError, match="cannot be read as a model"):
        resolve(tmp_path, tmp_path)


def test_damaged_models_are_refused_or_refused_by_the_runtime(tmp_path: Path) -> None:
    whole = brightest_channel()
    for end in range(0, len(whole), 7):
        with pytest.raises(ModelError):
            Classifier(resolve(store(tmp_path, whole[:end]), tmp_path))
