"""The messages of the Open Inference Protocol by themselves: what goes in comes out, and nothing else gets in."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload_sdk.wire_open_inference import (
    HEADER_LENGTH_HEADER,
    InferenceAnswer,
    InferenceRequest,
    Tensor,
    WantedOutput,
    encode_answer,
    encode_request,
    model_path,
    parse_answer,
    parse_extensions,
    parse_model_inputs,
    parse_request,
)

_NUMBERS = {
    "UINT8": ("B", st.integers(0, 255)),
    "INT64": ("q", st.integers(-(2**63), 2**63 - 1)),
    "BOOL": ("?", st.booleans()),
    "FP16": ("e", st.floats(width=16, allow_nan=False, allow_infinity=False)),
    "FP32": ("f", st.floats(width=32, allow_nan=False, allow_infinity=False)),
    "FP64": ("d", st.floats(allow_nan=False, allow_infinity=False)),
}
_NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_SHAPES = st.lists(st.integers(0, 4), max_size=4).map(tuple)


@st.composite
def tensors(draw: st.DrawFn) -> Tensor:
    name, shape = draw(_NAMES), draw(_SHAPES)
    count = math.prod(shape)
    datatype = draw(st.sampled_from([*_NUMBERS, "BYTES"]))
    parameters = draw(st.sampled_from([{}, {"content_type": "base64"}]))
    if datatype == "BYTES":
        texts = draw(st.lists(_NAMES, min_size=count, max_size=count))
        data: bytes | tuple[bytes, ...] = tuple(text.encode() for text in texts)
    else:
        letter, values = _NUMBERS[datatype]
        # + 0.0 as JSON's texts do not tell -0.0 from 0.0 where both occur
        data = struct.pack(
            f"<{count}{letter}", *(value + 0 for value in draw(st.lists(values, min_size=count, max_size=count)))
        )
    return Tensor(name=name, datatype=datatype, shape=shape, data=data, parameters=parameters)


_TENSORS = st.lists(tensors(), min_size=1, max_size=4).map(tuple)


def _complaint(parse: Callable[..., object], *arguments: object) -> str:
    """What is said of the arguments, "" if they are taken; any other error than the promised one gets through."""
    try:
        parse(*arguments)
    except ValueError as error:
        return str(error)
    return ""


def _length(headers: dict[str, str]) -> int | None:
    return int(headers[HEADER_LENGTH_HEADER]) if HEADER_LENGTH_HEADER in headers else None


@given(
    _TENSORS, st.none() | _NAMES, st.lists(st.builds(WantedOutput, name=_NAMES, binary=st.booleans()), max_size=3)
)
@pytest.mark.parametrize("binary", [False, True])
def test_a_request_comes_back_as_it_was(binary, inputs, identity, outputs):
    request = InferenceRequest(inputs=inputs, id=identity, outputs=tuple(outputs), binary=binary)
    body, headers = encode_request(request, binary=binary)
    assert parse_request(body, _length(headers)) == request


@given(_TENSORS, st.sets(_NAMES), st.none() | _NAMES)
def test_an_answer_comes_back_as_it_was(outputs, raw, version):
    answer = InferenceAnswer(model="m", outputs=outputs, version=version, id="x")
    body, headers = encode_answer(answer, binary=lambda name: name in raw)
    assert parse_answer(body, _length(headers)) == answer


@given(st.binary(max_size=200), st.none() | st.integers(-5, 300))
def test_no_bytes_raise_anything_but_value_error(body, header_bytes):
    assert _complaint(parse_request, body, header_bytes)
    assert _complaint(parse_answer, body, header_bytes)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


@given(_JSON, _JSON, _JSON, _JSON, _JSON)
def test_no_document_raises_anything_but_value_error(shape, datatype, data, parameters, outputs):
    for kind in (datatype, "FP32", "BYTES"):
        entry = {"name": "n", "shape": shape, "datatype": kind, "data": data, "parameters": parameters}
        for document in ({"inputs": [entry], "outputs": outputs}, {"outputs": [entry], "model_name": "m"}):
            body = json.dumps(document).encode("utf-8", "surrogatepass")
            for parse in (parse_request, parse_answer):
                _complaint(parse, body, None)
            for parse in (parse_extensions, parse_model_inputs):
                _complaint(parse, body)


def test_numbers_keep_their_value_in_few_characters():
    tensor = Tensor(name="t", datatype="FP32", shape=(2,), data=struct.pack("<2f", 0.1, 1 / 3))
    body, _ = encode_request(InferenceRequest(inputs=(tensor,)), binary=False)
    assert json.loads(body)["inputs"][0]["data"] == [0.100000001, 0.333333343]


def test_raw_bytes_stand_behind_the_json_in_order():
    pair = tuple(Tensor(name=name, datatype="UINT8", shape=(1,), data=name.encode()) for name in "ab")
    body, headers = encode_request(InferenceRequest(inputs=pair), binary=True)
    assert body[_length(headers) :] == b"ab"
    assert headers["Content-Type"] == "application/octet-stream"


def test_names_in_paths_are_escaped():
    assert model_path("a/b c", "1") == "/v2/models/a%2Fb%20c/versions/1"


def test_metadata_of_other_servers():
    model = b'{"name":"m","platform":"","inputs":[{"name":"x","datatype":"FP32","shape":[-1,3,224,224]}]}'
    (facts,) = parse_model_inputs(model)
    assert (facts.name, facts.datatype, facts.shape) == ("x", "FP32", (-1, 3, 224, 224))
    assert parse_model_inputs(b'{"name":"m","platform":""}') == ()
    assert parse_extensions(b'{"name":"s","version":"1","extensions":["binary_tensor_data",7]}') == {
        "binary_tensor_data"
    }
    assert parse_extensions(b'{"name":"s","version":"1","extensions":null}') == frozenset()
