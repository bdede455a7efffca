"""A server whose model is no classifier: pictures at `/analyze`, raw tensors at `/v2`."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image
from task_models import (
    DETECTOR_SIDE,
    SEGMENTER_SIDE,
    bright_cells,
    brightness,
    lamp,
    serving,
    store,
    sum_of_two,
)

from offload_sdk import EndpointConfig
from offload_sdk.cli.check_endpoint import check_endpoint
from offload_sdk.wire import parse_server_timing
from offload_sdk.wire_open_inference import InferenceRequest, Tensor, WantedOutput, encode_request, parse_answer


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    store(folder, "lamps", bright_cells(), DETECTOR_SIDE)
    store(folder, "light", brightness(), SEGMENTER_SIDE)
    store(folder, "sum", sum_of_two(), {"task": "tensors"})
    return folder


@pytest.fixture(scope="module")
def lamps(models: Path) -> Iterator[str]:
    with serving(models / "lamps.tflite", max_pixels=1_000_000) as url:
        yield url


@pytest.fixture(scope="module")
def light(models: Path) -> Iterator[str]:
    with serving(models / "light.tflite") as url:
        yield url


@pytest.fixture(scope="module")
def total(models: Path) -> Iterator[str]:
    with serving(models / "sum.tflite") as url:
        yield url


def png(pixels: Any) -> bytes:
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def analyze(url: str, image: bytes) -> requests.Response:
    return requests.post(f"{url}/analyze", files={"image": image}, timeout=30)


def infer(url: str, model: str, document: Any) -> requests.Response:
    return requests.post(f"{url}/v2/models/{model}/infer", json=document, timeout=30)


A = {"name": "a", "datatype": "FP32", "shape": [1, 3], "data": [1.0, 2.0, 3.0]}
B = {"name": "b", "datatype": "UINT8", "shape": [1, 3], "data": [2, 4, 6]}  # 0, 1, 2


def test_a_detector_answers_with_what_it_found(lamps: str) -> None:
    answer = analyze(lamps, png(lamp()))
    assert answer.status_code == 200
    document = answer.json()
    assert set(document) == {"detections", "model", "request_id"}
    assert document["model"] == "lamps"
    (found,) = document["detections"]
    assert (found["label"], found["index"]) == ("lamp", 0)
    assert found["probability"] == pytest.approx(1.0, abs=0.01)
    assert found["box"] == pytest.approx([0.75, 0.5, 1.0, 1.0], abs=0.02)
    assert set(parse_server_timing(answer.headers["Server-Timing"])) == {"queue", "decode", "infer"}


def test_of_a_dark_picture_it_finds_nothing(lamps: str) -> None:
    assert analyze(lamps, png(np.zeros((50, 90, 3), np.uint8))).json()["detections"] == []


def test_a_segmenter_answers_with_a_mask_of_the_whole_picture(light: str) -> None:
    mask = analyze(light, png(lamp())).json()["mask"]
    assert mask["labels"] == ["background", "light"]
    picture = Image.open(BytesIO(base64.b64decode(mask["png"])))
    assert (picture.mode, picture.size) == ("L", (32, 32))
    assert np.asarray(picture)[20:, 26:].all()
    assert not np.asarray(picture)[:14].any()


@pytest.mark.parametrize(
    ("image", "status"), [(b"no picture", 400), (png(np.zeros((1001, 1000, 3), np.uint8)), 413)]
)
def test_a_picture_is_refused_as_by_a_classifier(lamps: str, image: bytes, status: int) -> None:
    assert analyze(lamps, image).status_code == status


def test_it_says_what_it_does(lamps: str, light: str, total: str) -> None:
    told = [requests.get(f"{url}/", timeout=30).json() for url in (lamps, light, total)]
    assert [(one["task"], one["model"]) for one in told] == [
        ("detection", "lamps"),
        ("segmentation", "light"),
        ("tensors", "sum"),
    ]


def test_doctor_tells_that_it_does_not_classify(lamps: str) -> None:
    findings = list(check_endpoint(EndpointConfig(url=lamps), clock=time.monotonic, wall=time.time))
    assert ("warning", "its model is for detection") in [(finding.level, finding.message) for finding in findings]


def test_its_metadata_are_the_models_own_tensors(lamps: str, total: str) -> None:
    metadata = requests.get(f"{lamps}/v2/models/lamps", timeout=30).json()
    assert metadata["inputs"] == [{"name": "image", "datatype": "FP32", "shape": [1, 64, 64, 3]}]
    assert metadata["outputs"] == [
        {"name": "boxes", "datatype": "FP32", "shape": [1, 4, 4, 4]},
        {"name": "logits", "datatype": "FP32", "shape": [1, 4, 4, 1]},
    ]
    told = requests.get(f"{total}/v2/models/sum", timeout=30).json()["inputs"]
    assert [(one["name"], one["datatype"]) for one in told] == [("a", "FP32"), ("b", "UINT8")]
    assert requests.get(f"{lamps}/v2", timeout=30).json()["extensions"] == ["binary_tensor_data"]


def test_the_documentation_has_all_three_answers(lamps: str) -> None:
    document = requests.get(f"{lamps}/openapi.json", timeout=30).json()
    ok = document["paths"]["/analyze"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    names = {reference["$ref"].rpartition("/")[2] for reference in ok["anyOf"]}
    assert names == {"AnalyzeAnswer", "DetectionAnswer", "MaskAnswer"}


def test_two_inputs_and_two_outputs_as_json(total: str) -> None:
    answer = infer(total, "sum", {"id": "x", "inputs": [B, A]})
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert (document["id"], document["model_name"]) == ("x", "sum")
    outputs = {output["name"]: output for output in document["outputs"]}
    assert outputs["sum"]["data"] == [1.0, 3.0, 5.0]
    assert outputs["real"]["data"] == [0.0, 1.0, 2.0]
    assert (outputs["sum"]["datatype"], outputs["sum"]["shape"]) == ("FP32", [1, 3])


def test_one_output_as_raw_bytes(total: str) -> None:
    inputs = (
        Tensor(name="a", datatype="FP32", shape=(1, 3), data=np.array([1, 2, 3], "<f4").tobytes()),
        Tensor(name="b", datatype="UINT8", shape=(1, 3), data=bytes([2, 4, 6])),
    )
    request = InferenceRequest(inputs=inputs, outputs=(WantedOutput(name="sum", binary=True),))
    body, headers = encode_request(request, binary=True)
    answer = requests.post(f"{total}/v2/models/sum/infer", data=body, headers=headers, timeout=30)
    parsed = parse_answer(answer.content, int(answer.headers["Inference-Header-Content-Length"]))
    assert [output.name for output in parsed.outputs] == ["sum"]
    assert parsed.outputs[0].numbers() == (1.0, 3.0, 5.0)


@pytest.mark.parametrize(
    "inputs",
    [
        [A],
        [A, A],
        [A, B, {**A, "name": "c"}],
        [A, {**B, "name": "c"}],
        [A, {**B, "datatype": "FP32"}],
        [A, {**B, "datatype": "BYTES", "data": ["a", "b", "c"]}],
        [{**A, "shape": [3], "data": [1, 2, 3]}, B],
        [{**A, "shape": [2, 3], "data": [1] * 6}, B],
        [{**A, "shape": [1, 2**30], "data": []}, B],
        [{**A, "data": [1e39, 0, 0]}, B],
        [],
    ],
    ids=str,
)
def test_other_tensors_are_refused(total: str, inputs: list[Any]) -> None:
    answer = infer(total, "sum", {"inputs": inputs})
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_an_unknown_output_is_refused(total: str) -> None:
    assert infer(total, "sum", {"inputs": [A, B], "outputs": [{"name": "none"}]}).status_code == 400


@pytest.mark.parametrize(("binary", "status"), [(False, 400), (True, 200)])
def test_what_is_not_finite_goes_as_raw_bytes_only(lamps: str, binary: bool, status: int) -> None:
    values = np.full(64 * 64 * 3, 3e38, "<f4").tobytes()
    tensor = Tensor(name="image", datatype="FP32", shape=(1, 64, 64, 3), data=values)
    body, headers = encode_request(InferenceRequest(inputs=(tensor,), binary=binary), binary=True)
    answer = requests.post(f"{lamps}/v2/models/lamps/infer", data=body, headers=headers, timeout=30)
    assert answer.status_code == status


def test_a_request_that_meets_another_kind_of_model_is_to_come_again(models: Path) -> None:
    """The model may be replaced between the request's arrival and its turn."""
    from server_stub.engine import TensorSignature
    from server_stub.model_engine import ModelEngine, model_loader
    from server_stub.problems import RequestError
    from server_stub.settings import ServerSettings
    from server_stub.tensor_task import TensorTask

    settings = ServerSettings(model=str(models / "sum.tflite"))
    source = model_loader(settings)()
    engine = source.engine()
    with pytest.raises(RequestError) as classifiers:
        engine.score(b"")
    assert isinstance(source.signature, TensorSignature)
    tensors = TensorTask(body=b"", header_bytes=None, model="m", signature=source.signature)
    with pytest.raises(RequestError) as tensor_task:
        tensors(ModelEngine.__new__(ModelEngine))
    assert (classifiers.value.status, tensor_task.value.status) == (503, 503)


def test_a_model_of_tensors_takes_no_pictures(total: str) -> None:
    answer = analyze(total, png(lamp()))
    assert answer.status_code == 501
    assert answer.json()["error"]["code"] == "takes_no_pictures"


@pytest.mark.parametrize(
    ("content", "side", "words"),
    [
        (brightness, {"task": "detection"}, "cannot read the model's outputs"),
        (sum_of_two, {"task": "detection"}, "is not a model of one picture"),
        (bright_cells, {"task": "dreaming"}, "task must be one of"),
        (lambda: b"no model", {"task": "tensors"}, "cannot be loaded"),
    ],
)
def test_a_wrong_model_is_an_error_at_the_start(
    tmp_path: Path, content: Any, side: dict[str, Any], words: str
) -> None:
    path = store(tmp_path, "wrong", content(), side)
    with pytest.raises(AssertionError, match=words), serving(path):
        pass
