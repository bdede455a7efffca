"""A worker's task of the Open Inference Protocol on a real interpreter, without a server."""

from __future__ import annotations

import base64
import json
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from offload_sdk.model import Classifier, InputSpec, ModelFile, Normalisation
from offload_sdk.model.tflite_writer import TensorType
from server_stub.engine import Signature
from server_stub.inference_task import InferenceTask
from server_stub.model_engine import ModelEngine
from server_stub.problems import RequestError

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "model"))
from small_models import brightest_channel

PIXELS = np.random.default_rng(5).integers(0, 256, (2, 8, 8, 3), np.uint8)
PIXELS[0, ..., 1] = 255
PIXELS[1, ..., 2] = 255


class Model:
    """The brightest channel wins; float input in 0..1, or raw pixels."""

    def __init__(self, folder: Path, floats: bool) -> None:
        path = folder / "model.tflite"
        path.write_bytes(
            brightest_channel() if floats else brightest_channel(dtype=TensorType.UINT8, scale=1 / 255)
        )
        rule = Normalisation(mean=(0, 0, 0), std=(255, 255, 255)) if floats else None
        spec, labels = InputSpec(width=8, height=8), ("red", "green", "blue")
        file = ModelFile(name="m", path=path, spec=spec, labels=labels, normalisation=rule)
        self.engine = ModelEngine(Classifier(file), max_pixels=10_000)
        datatype = "float32" if floats else "uint8"
        self.signature = Signature(width=8, height=8, datatype=datatype, labels=labels)  # type: ignore[arg-type]

    def answer(self, **entry: Any) -> dict[str, Any]:
        body = json.dumps({"inputs": [{"name": "input", **entry}]}).encode()
        task = InferenceTask(body=body, header_bytes=None, model="m", signature=self.signature, top_k=1)
        outputs = json.loads(task(self.engine).body)["outputs"]
        return {output["name"]: output["data"] for output in outputs}


@pytest.fixture(params=[True, False], ids=["floats", "bytes"])
def model(tmp_path: Path, request: pytest.FixtureRequest) -> Model:
    return Model(tmp_path, request.param)


@pytest.fixture
def floats(tmp_path: Path) -> Model:
    return Model(tmp_path, True)


def test_pixels_are_taken_by_every_model(model: Model) -> None:
    answer = model.answer(datatype="UINT8", shape=[2, 8, 8, 3], data=PIXELS.tolist())
    assert answer["labels"] == ["green", "blue"]
    assert sum(answer["probabilities"]) == pytest.approx(2.0, abs=1e-4)


def test_the_models_own_values_give_what_pixels_give(floats: Model) -> None:
    values = (PIXELS / 255.0).astype(np.float32).reshape(-1).tolist()
    own = floats.answer(datatype="FP32", shape=[2, 8, 8, 3], data=values)
    pixels = floats.answer(datatype="UINT8", shape=[2, 8, 8, 3], data=PIXELS.reshape(-1).tolist())
    assert own["probabilities"] == pytest.approx(pixels["probabilities"], rel=1e-5)


def test_encoded_pictures_are_cut_and_normalised(model: Model) -> None:
    stream = BytesIO()
    Image.new("RGB", (50, 40), (0, 0, 255)).save(stream, "PNG")
    text = base64.b64encode(stream.getvalue()).decode()
    assert model.answer(datatype="BYTES", shape=[1], data=[text])["labels"] == ["blue"]


def test_too_many_pixels_are_413(model: Model) -> None:
    stream = BytesIO()
    Image.new("1", (200, 200)).save(stream, "PNG")
    text = base64.b64encode(stream.getvalue()).decode()
    with pytest.raises(RequestError, match="40,000 pixels") as caught:
        model.answer(datatype="BYTES", shape=[1], data=[text])
    assert caught.value.status == 413


def test_values_that_overflow_inside_the_model_are_refused(floats: Model) -> None:
    with pytest.raises(RequestError, match="not a number") as caught:
        floats.answer(datatype="FP32", shape=[1, 8, 8, 3], data=[3e38] * 192)
    assert caught.value.status == 400
