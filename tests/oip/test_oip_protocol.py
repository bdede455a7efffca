"""What the device makes of a server's metadata and answers, without a server."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest

from offload_sdk._types import Payload
from offload_sdk.errors import RemoteError
from offload_sdk.execute.exchange import Reply
from offload_sdk.execute.open_inference import OpenInferenceProtocol
from offload_sdk.execute.served_model import ServedModel, labelled
from offload_sdk.model import InputSpec, Normalisation, open_picture
from offload_sdk.wire_open_inference import Tensor, TensorFacts, parse_request

UNIT = Normalisation(mean=(127.5, 127.5, 127.5), std=(127.5, 127.5, 127.5))
PIXELS = np.random.default_rng(0).integers(0, 256, (1, 4, 5, 3), np.uint8)


def served(datatype: str, shape: list[int], rule: Normalisation | None = UNIT) -> ServedModel:
    return ServedModel(facts=TensorFacts(name="x", datatype=datatype, shape=tuple(shape)), normalisation=rule)


@pytest.mark.parametrize("shape", [[-1, 4, 5, 3], [1, 4, 5, 3], [-1, -1, -1, 3], [4, 5, 3]])
def test_pixels_go_as_they_are(shape):
    tensor = served("UINT8", shape).tensor(PIXELS)
    assert tensor.shape == ((1, 4, 5, 3) if len(shape) == 4 else (4, 5, 3))
    assert tensor.data == PIXELS.tobytes()


def test_a_float_input_is_normalised_in_the_models_order():
    rule = Normalisation(mean=(0.0, 10.0, 20.0), std=(1.0, 2.0, 4.0), bgr=True)
    tensor = served("FP32", [-1, 3, 4, 5], rule).tensor(PIXELS)
    values = np.frombuffer(tensor.data, "<f4").reshape(tensor.shape)
    assert tensor.shape == (1, 3, 4, 5)
    blue, red = PIXELS[0, ..., 2].astype(np.float32), PIXELS[0, ..., 0].astype(np.float32)
    np.testing.assert_allclose(values[0, 0], blue, rtol=1e-6)
    np.testing.assert_allclose(values[0, 2], (red - 20.0) / 4.0, rtol=1e-6)


@pytest.mark.parametrize(
    ("datatype", "shape", "rule", "message"),
    [
        ("UINT8", [-1, 8, 8, 3], UNIT, "cut to 5 × 4"),
        ("UINT8", [-1, 60], UNIT, "height, width"),
        ("UINT8", [2, 4, 5, 3], UNIT, "height, width"),
        ("UINT8", [1, -1, 4, 5, 3], UNIT, "height, width"),
        ("INT8", [-1, 4, 5, 3], UNIT, "only FP32 and UINT8"),
        ("FP32", [-1, 4, 5, 3], None, "pixel_mean"),
    ],
)
def test_what_cannot_be_fed_is_told(datatype, shape, rule, message):
    with pytest.raises(RemoteError, match=message) as caught:
        served(datatype, shape, rule).tensor(PIXELS)
    assert caught.value.kind == "protocol"


def scores(values: list[float], datatype: str = "FP32") -> Tensor:
    code = {"FP32": "f", "UINT8": "B"}[datatype]
    data = struct.pack(f"<{len(values)}{code}", *values)
    return Tensor(name="out", datatype=datatype, shape=(1, len(values)), data=data)


def test_probabilities_are_taken_as_they_are():
    first, second, _ = labelled([scores([0.1, 0.2, 0.7])], ["a", "b", "c"])
    assert (first.name, first.index, first.probability) == ("c", 2, pytest.approx(0.7))
    assert second.name == "b"


def test_logits_become_probabilities():
    labels = labelled([scores([100.0, 102.0, -3.0])], ["a", "b", "c"])
    assert [label.name for label in labels] == ["b", "a", "c"]
    assert sum(label.probability for label in labels) == pytest.approx(1.0)
    assert labels[0].probability == pytest.approx(1 / (1 + np.exp(-2)), rel=1e-4)


def test_a_quantised_models_shares_become_probabilities():
    labels = labelled([scores([0, 64, 192], "UINT8")], ["a", "b", "c"])
    assert [label.probability for label in labels] == [0.75, 0.25, 0.0]


def test_the_background_is_dropped():
    assert [label.name for label in labelled([scores([0.9, 0.1, 0.0])], ["a", "b"])] == ["a", "b"]
    best = labelled([scores([0.0] * 282 + [1.0] + [0.0] * 718)], ["a", "b"])[0]
    assert (best.name, best.index) == ("tabby", 281)
    assert labelled([scores([0.0] * 281 + [1.0] + [0.0] * 718)], ["a", "b"])[0].name == "tabby"


def test_classes_without_a_name_are_numbered():
    assert labelled([scores([0.1, 0.2, 0.3, 0.4])], ["a", "b"])[0].name == "class 3"


@pytest.mark.parametrize("outputs", [[], [scores([1.0])], [scores([float("nan"), 1.0])]])
def test_an_answer_without_scores_is_told(outputs):
    with pytest.raises(RemoteError, match="no scores"):
        labelled(outputs, ["a"])


def reply(document: Any, status: int = 200, **headers: str) -> Reply:
    return Reply(status=status, headers=headers, body=json.dumps(document).encode())


def speaking(extensions: list[str], datatype: str, shape: list[int]) -> OpenInferenceProtocol:
    protocol = OpenInferenceProtocol("m", version=None, normalisation=UNIT, labels=["a", "b"])
    server, model = protocol.questions()
    assert (server.path, model.path) == ("/v2", "/v2/models/m")
    protocol.learn(server, reply({"name": "s", "version": "1", "extensions": extensions}))
    protocol.learn(model, reply({"name": "m", "inputs": [{"name": "x", "datatype": datatype, "shape": shape}]}))
    assert protocol.questions() == ()
    return protocol


def picture() -> Any:
    return open_picture(np.repeat(PIXELS[0], 60, axis=0), InputSpec(width=5, height=4))


@pytest.mark.parametrize(
    ("extensions", "datatype", "form", "raw"),
    [
        ([], "UINT8", "tensor", False),
        (["binary_tensor_data"], "FP32", "tensor", True),
        (["binary_tensor_data", "offload_encoded_image"], "FP32", "image", True),
        ([], "BYTES", "image", False),
    ],
)
def test_the_form_follows_what_the_server_takes(extensions, datatype, form, raw):
    shape = [-1, 1] if datatype == "BYTES" else [-1, 4, 5, 3]
    protocol = speaking(extensions, datatype, shape)
    coding = Payload(side_px=64, quality=60, expected_bytes=1000)
    timings: dict[str, float] = {}
    call = protocol.classify(picture(), coding, "id-1", timings)
    length = call.headers.get("Inference-Header-Content-Length")
    assert (length is not None) == raw
    request = parse_request(call.body, None if length is None else int(length))
    assert (request.id, request.binary) == ("id-1", raw)
    assert call.path == "/v2/models/m/infer"
    assert timings["encode"] > 0.0
    (sent,) = request.inputs
    if form == "image":
        assert (sent.datatype, call.payload) == ("BYTES", coding)
        assert sent.shape == ((1, 1) if datatype == "BYTES" else (1,))
        assert protocol.only_payload is None
        assert protocol.filler(2000) is not None
    else:
        assert (sent.datatype, sent.shape) == (datatype, (1, 4, 5, 3))
        assert call.payload == protocol.only_payload
        assert call.payload.quality is None
        assert protocol.filler(2000) is None


@pytest.mark.parametrize("extensions", [[], ["binary_tensor_data"]])
@pytest.mark.parametrize("datatype", ["UINT8", "FP32"])
def test_the_payload_is_about_what_is_sent(extensions, datatype):
    protocol = speaking(extensions, datatype, [-1, 224, 224, 3])
    noise = np.random.default_rng(1).integers(0, 256, (300, 300, 3), np.uint8)
    call = protocol.classify(open_picture(noise, InputSpec()), None, "x", {})
    assert protocol.only_payload.side_px == 224
    assert len(call.body) == pytest.approx(protocol.only_payload.expected_bytes, rel=0.07)


@pytest.mark.parametrize(
    ("document", "message"),
    [({"name": "m"}, "0 inputs"), ({"inputs": [{"name": "x"}]}, "metadata"), ([], "metadata")],
)
def test_metadata_that_do_not_help_are_told(document, message):
    protocol = OpenInferenceProtocol("m", version="3", normalisation=None, labels=[])
    question = protocol.questions()[1]
    assert question.path == "/v2/models/m/versions/3"
    with pytest.raises(RemoteError, match=message) as caught:
        protocol.learn(question, reply(document))
    assert caught.value.kind == "protocol"
    assert protocol.questions()


def test_a_refused_tensor_is_no_bad_picture_and_the_server_is_asked_again():
    protocol = speaking([], "UINT8", [-1, 4, 5, 3])
    with pytest.raises(RemoteError, match="expected 8 × 8") as caught:
        protocol.read_answer(reply({"error": "expected 8 × 8"}, 400))
    assert caught.value.kind == "protocol"
    assert len(protocol.questions()) == 2


@pytest.mark.parametrize(
    ("status", "kind"), [(401, "auth"), (404, "status"), (500, "status"), (503, "refused"), (504, "late")]
)
def test_errors_mean_what_they_mean_elsewhere(status, kind):
    protocol = speaking([], "BYTES", [-1])
    with pytest.raises(RemoteError, match="why not") as caught:
        protocol.read_answer(reply({"error": "why not"}, status))
    assert (caught.value.kind, caught.value.status) == (kind, status)


def test_an_answer_that_is_none_is_told():
    protocol = speaking([], "BYTES", [-1])
    for odd in (
        reply({"outputs": []}),
        reply({"model_name": "m"}),
        reply([]),
        reply({}, **{"Inference-Header-Content-Length": "x"}),
    ):
        with pytest.raises(RemoteError, match="protocol") as caught:
            protocol.read_answer(odd)
        assert caught.value.kind == "protocol"
