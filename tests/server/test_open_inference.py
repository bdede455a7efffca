"""The server under `/v2`, by the Open Inference Protocol's own documents: what must be there, what is refused."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import requests

from offload_sdk import wire_open_inference as wire

SHAPE = [1, 2, 4, 3]
PIXELS = list(range(1, 25))


def tensor(**changes: Any) -> dict[str, Any]:
    return {"name": "input", "datatype": "UINT8", "shape": SHAPE, "data": PIXELS, **changes}


def infer(server, document: Any, **options: Any) -> requests.Response:
    return requests.post(f"{server.url}/v2/models/fake/infer", json=document, timeout=30, **options)


def refusal(response: requests.Response) -> str:
    """The message of an error; fails unless the body has exactly the protocol's shape."""
    document = response.json()
    assert set(document) == {"error"}
    assert isinstance(document["error"], str)
    assert document["error"]
    return document["error"]


def test_health_is_that_of_the_contract(start_server):
    server = start_server(load=False)
    for path in ("/v2/health/ready", "/"):
        response = requests.get(server.url + path, timeout=30)
        assert (response.status_code, response.headers["Retry-After"]) == (503, "2")
    assert requests.get(f"{server.url}/v2/health/live", timeout=30).json() == {"live": True}
    metadata = requests.get(f"{server.url}/v2/models/fake", timeout=30)
    assert metadata.status_code == 503
    assert "loading" in refusal(metadata)
    server.model.may_load.set()
    server.until(lambda: server.pool.state == "ready")
    assert requests.get(f"{server.url}/v2/health/ready", timeout=30).json() == {"ready": True}
    assert requests.get(f"{server.url}/v2/models/fake/ready", timeout=30).json() == {"name": "fake", "ready": True}


def test_metadata_has_the_required_fields(live_server):
    server = requests.get(f"{live_server.url}/v2", timeout=30).json()
    assert server["name"]
    assert server["version"]
    assert "binary_tensor_data" in server["extensions"]
    model = requests.get(f"{live_server.url}/v2/models/fake", timeout=30).json()
    assert (model["name"], model["platform"]) == ("fake", "tensorflow_lite")
    assert model["inputs"] == [{"name": "input", "datatype": "FP32", "shape": [-1, 2, 4, 3]}]
    assert model["outputs"] == [
        {"name": "probabilities", "datatype": "FP32", "shape": [-1, 10]},
        {"name": "labels", "datatype": "BYTES", "shape": [-1, -1]},
    ]


@pytest.mark.parametrize(
    ("datatype", "data"),
    [("UINT8", PIXELS), ("FP32", [value + 0.25 for value in PIXELS]), ("UINT8", [[[PIXELS[:3]] * 4] * 2])],
)
def test_a_tensor_is_answered(live_server, datatype, data):
    answer = infer(live_server, {"id": "my-7", "inputs": [tensor(datatype=datatype, data=data)]})
    assert answer.status_code == 200
    document = answer.json()
    assert (document["id"], document["model_name"]) == ("my-7", "fake")
    probabilities, labels = document["outputs"]
    assert (probabilities["name"], probabilities["datatype"]) == ("probabilities", "FP32")
    assert probabilities["shape"] == [1, 10]
    assert probabilities["data"] == pytest.approx([0.01, 0.91, *[0.01] * 8])
    assert (labels["datatype"], labels["shape"]) == ("BYTES", [1, 3])
    assert labels["data"] == ["class 1", "class 0", "class 2"]
    (image,) = live_server.model.scored[-1:]
    assert image.shape == (2, 4, 3)
    assert str(image.dtype) == {"UINT8": "uint8", "FP32": "float32"}[datatype]
    assert wire_timing(answer) >= {"queue", "decode", "infer"}


def wire_timing(answer: requests.Response) -> set[str]:
    return {entry.split(";")[0].strip() for entry in answer.headers["Server-Timing"].split(",")}


def test_a_batch_is_answered_in_order(live_server):
    data = [3] * 24 + [7] * 24 + [0] * 24
    answer = infer(live_server, {"inputs": [tensor(shape=[3, 2, 4, 3], data=data)]}).json()
    probabilities, labels = answer["outputs"]
    assert (probabilities["shape"], labels["shape"]) == ([3, 10], [3, 3])
    rows = [probabilities["data"][start : start + 10] for start in (0, 10, 20)]
    assert [row.index(max(row)) for row in rows] == [3, 7, 0]
    assert labels["data"][::3] == ["class 3", "class 7", "class 0"]


@pytest.mark.parametrize("shape", [[2], [2, 1]])
def test_encoded_pictures_go_to_the_decoder(live_server, shape):
    images = [b"\xff\xd8first", b"\xff\xd8second"]
    texts = [base64.b64encode(image).decode() for image in images]
    entry = tensor(datatype="BYTES", shape=shape, data=texts, parameters={"content_type": "base64"})
    assert infer(live_server, {"inputs": [entry]}).json()["outputs"][0]["shape"] == [2, 10]
    assert live_server.model.scored[-2:] == images


def test_an_undecodable_picture_is_the_callers_fault(live_server):
    entry = tensor(datatype="BYTES", shape=[1], data=["bad"])
    answer = infer(live_server, {"inputs": [entry]}, headers={"Offload-Top-K": "1"})
    assert answer.status_code == 400
    assert "not an image" in refusal(answer)


def test_raw_bytes_both_ways(live_server):
    request = wire.InferenceRequest(
        inputs=(wire.Tensor(name="input", datatype="UINT8", shape=(1, 2, 4, 3), data=bytes(PIXELS)),),
        outputs=(
            wire.WantedOutput(name="labels", binary=True),
            wire.WantedOutput(name="probabilities", binary=True),
        ),
    )
    body, headers = wire.encode_request(request, binary=True)
    headers["Offload-Top-K"] = "2"
    reply = requests.post(f"{live_server.url}/v2/models/fake/infer", data=body, headers=headers, timeout=30)
    assert reply.status_code == 200
    answer = wire.parse_answer(reply.content, int(reply.headers["Inference-Header-Content-Length"]))
    assert [output.name for output in answer.outputs] == ["labels", "probabilities"]
    assert answer.outputs[0].data == (b"class 1", b"class 0")
    assert answer.outputs[1].numbers()[1] == pytest.approx(0.91)


def test_parameters_that_are_not_known_are_passed_over(live_server):
    document = {
        "parameters": {"priority": 3, "timeout": 9},
        "inputs": [tensor(parameters={"content_type": "np"})],
        "outputs": [{"name": "probabilities", "parameters": {"classification": 2}}],
        "extra": None,
    }
    answer = infer(live_server, document)
    assert answer.status_code == 200
    assert [output["name"] for output in answer.json()["outputs"]] == ["probabilities"]
    assert "id" not in answer.json()


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "one JSON object"),
        ({}, "'inputs' is missing"),
        ({"inputs": []}, "tensors"),
        ({"inputs": [tensor()] * 2}, "one input"),
        ({"inputs": [tensor()] * 17}, "1 to 16"),
        ({"inputs": [tensor(name="image")]}, "'input'"),
        ({"inputs": [tensor(datatype="FP17")]}, "FP17"),
        ({"inputs": [tensor(datatype="INT8")]}, "takes FP32"),
        ({"inputs": [tensor(shape=[1, 4, 2, 3])]}, "shape"),
        ({"inputs": [tensor(shape=[24])]}, "takes the shape"),
        ({"inputs": [tensor(shape=[0, 2, 4, 3], data=[])]}, "number of pictures"),
        ({"inputs": [tensor(shape=[33, 2, 4, 3], data=PIXELS * 33)]}, "1 to 32"),
        ({"inputs": [tensor(shape=[2**30] * 4)]}, "its shape needs"),
        ({"inputs": [tensor(shape=[2**40])]}, "whole numbers"),
        ({"inputs": [tensor(shape=[-1, 2, 4, 3])]}, "whole numbers"),
        ({"inputs": [tensor(shape=[True, 2, 4, 3])]}, "whole numbers"),
        ({"inputs": [tensor(shape=[1] * 9)]}, "at most 8"),
        ({"inputs": [tensor(data=PIXELS[1:])]}, "23 values"),
        ({"inputs": [tensor(data=[256] * 24)]}, "kind"),
        ({"inputs": [tensor(data=[0.5] * 24)]}, "kind"),
        ({"inputs": [tensor(data=["0"] * 24)]}, "kind"),
        ({"inputs": [tensor(data=None)]}, "1 values"),
        ({"inputs": [{"name": "input", "datatype": "UINT8", "shape": SHAPE}]}, "'data' is missing"),
        ({"inputs": [tensor(parameters=[1])]}, "parameters"),
        ({"inputs": [tensor(parameters={"binary_data_size": 24})]}, "24 bytes of the 0"),
        ({"inputs": [tensor(datatype="FP32", data=[1e39] * 24)]}, "kind"),
        ({"inputs": [tensor()], "outputs": [{"name": "logits"}]}, "no output 'logits'"),
        ({"inputs": [tensor()], "outputs": [{}]}, "'name' is missing"),
        ({"inputs": [tensor(datatype="BYTES", shape=[1, 1, 1], data=["x"])]}, "encoded pictures"),
        ({"inputs": [tensor()], "id": 7}, "name must be text"),
    ],
)
def test_what_does_not_fit_is_refused(live_server, document, message):
    before = len(live_server.model.scored)
    answer = infer(live_server, document)
    assert answer.status_code == 400
    assert message in refusal(answer)
    assert len(live_server.model.scored) == before


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_numbers_that_are_none_are_refused(live_server, word):
    text = json.dumps({"inputs": [tensor(datatype="FP32", data=[0.0] * 23)]}).replace("0.0]", f"0.0, {word}]")
    answer = requests.post(f"{live_server.url}/v2/models/fake/infer", data=text, timeout=30)
    assert answer.status_code == 400
    assert "number" in refusal(answer) or "finite" in refusal(answer)


@pytest.mark.parametrize("sign", ["[],", "{},", '"",'])
def test_what_grows_in_memory_is_refused_unread(live_server, sign):
    body = '{"inputs":[{"name":"input","data":[' + sign * 450_000 + "0]}]}"
    answer = requests.post(f"{live_server.url}/v2/models/fake/infer", data=body, timeout=30)
    assert answer.status_code == 400
    assert "of the sign" in refusal(answer)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b'{"inputs":[{"name":"\\ud800"}]}'])
def test_what_is_no_json_is_refused(live_server, body):
    answer = requests.post(f"{live_server.url}/v2/models/fake/infer", data=body, timeout=30)
    assert answer.status_code == 400
    refusal(answer)


@pytest.mark.parametrize(
    ("header", "size", "tail"),
    [
        ("0", 24, 24),
        ("-1", 24, 24),
        ("x", 24, 24),
        ("99999999999", 24, 24),
        ("5000", 24, 24),
        ("10", 24, 24),
        (None, 23, 23),
        (None, 25, 24),
        (None, 24, 25),
        (None, -24, 24),
        (None, 2**62, 24),
    ],
)
def test_lies_about_raw_bytes_are_refused(live_server, header, size, tail):
    entry = {"name": "input", "datatype": "UINT8", "shape": SHAPE, "parameters": {"binary_data_size": size}}
    head = json.dumps({"inputs": [entry]}).encode()
    headers = {"Inference-Header-Content-Length": header or str(len(head))}
    answer = requests.post(
        f"{live_server.url}/v2/models/fake/infer", data=head + bytes(tail), headers=headers, timeout=30
    )
    assert answer.status_code == 400
    refusal(answer)


@pytest.mark.parametrize(
    "raw", [b"\x05\x00\x00\x00abc", b"\xff\xff\xff\xffabc", b"\x01\x00", b"\x00\x00\x00\x00" * 2]
)
def test_lies_about_raw_elements_are_refused(live_server, raw):
    entry = {"name": "input", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": len(raw)}}
    head = json.dumps({"inputs": [entry]}).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    answer = requests.post(f"{live_server.url}/v2/models/fake/infer", data=head + raw, headers=headers, timeout=30)
    assert answer.status_code == 400
    refusal(answer)


@pytest.mark.parametrize(
    "path", ["/v2/models/other", "/v2/models/other/ready", "/v2/models/fake/versions/1", "/v2/x"]
)
def test_what_is_not_there_is_not_found(live_server, path):
    answer = requests.get(live_server.url + path, timeout=30)
    assert answer.status_code == 404
    refusal(answer)


def test_another_model_is_refused_before_its_body(live_server):
    seen = len(live_server.model.scored)
    answer = requests.post(f"{live_server.url}/v2/models/other/infer", json={"inputs": [tensor()]}, timeout=30)
    assert answer.status_code == 404
    assert "'fake'" in refusal(answer)
    assert len(live_server.model.scored) == seen


def test_the_method_and_the_coding_count_here_too(live_server):
    url = f"{live_server.url}/v2/models/fake/infer"
    assert requests.get(url, timeout=30).status_code == 405
    answer = requests.post(url, data=b"{}", headers={"Content-Encoding": "gzip"}, timeout=30)
    assert answer.status_code == 415
    assert "compressed" in refusal(answer)


def test_tokens_guard_all_but_health(start_server):
    server = start_server(tokens=("secret",))
    for path in ("/v2/health/live", "/v2/health/ready"):
        assert requests.get(server.url + path, timeout=30).status_code == 200
    for path in ("/v2", "/v2/models/fake"):
        answer = requests.get(server.url + path, timeout=30)
        assert answer.status_code == 401
        assert "token" in refusal(answer)
    assert infer(server, {"inputs": [tensor()]}).status_code == 401
    assert infer(server, {"inputs": [tensor()]}, headers={"Authorization": "Bearer secret"}).status_code == 200


def test_bodies_are_bounded(start_server):
    server = start_server(max_body_bytes=20_000)
    answer = infer(server, {"inputs": [tensor()], "padding": "x" * 20_000})
    assert answer.status_code == 413
    assert "20,000" in refusal(answer)


def test_json_is_bounded_more_tightly_than_raw_bytes(live_server):
    answer = requests.post(f"{live_server.url}/v2/models/fake/infer", data=b"[" * 9_000_000, timeout=30)
    assert answer.status_code == 413
    assert "4,194,304" in refusal(answer)


def test_a_deadline_that_is_past_is_told(live_server):
    answer = infer(live_server, {"inputs": [tensor()]}, headers={"Offload-Deadline": "0"})
    assert answer.status_code == 504
    assert "deadline" in refusal(answer)


def test_the_openapi_document_lists_the_routes(live_server):
    paths = requests.get(f"{live_server.url}/openapi.json", timeout=30).json()["paths"]
    assert set(paths) >= {
        "/v2",
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models/{model}",
        "/v2/models/{model}/ready",
        "/v2/models/{model}/infer",
    }
