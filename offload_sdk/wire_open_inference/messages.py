"""Requests, answers and metadata of the protocol, to bodies and back. Tensors are the business of `tensors`."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote

from offload_sdk.wire_open_inference.tensors import (
    MOST_TENSORS,
    Tensor,
    compact_json,
    encode_tensor,
    name_of,
    parameters_of,
    parse_tensors,
)

__all__ = [
    "BINARY_EXTENSION",
    "HEADER_LENGTH_HEADER",
    "IMAGE_EXTENSION",
    "LIVE_PATH",
    "READY_PATH",
    "SERVER_PATH",
    "InferenceAnswer",
    "InferenceRequest",
    "TensorFacts",
    "WantedOutput",
    "encode_answer",
    "encode_request",
    "model_path",
    "parse_answer",
    "parse_extensions",
    "parse_model_inputs",
    "parse_request",
]

SERVER_PATH = "/v2"
LIVE_PATH = "/v2/health/live"
READY_PATH = "/v2/health/ready"
HEADER_LENGTH_HEADER = "Inference-Header-Content-Length"
BINARY_EXTENSION = "binary_tensor_data"
IMAGE_EXTENSION = "offload_encoded_image"
"""Ours: a `BYTES` input is an encoded picture, which the server makes the model's input of."""

_MOST_ERROR_CHARS = 300
_MOST_SIGNS = {b"[": 400_000, b"{": 1000, b'"': 10_000}
"""What JSON may hold of lists (enough for seven pictures of 224 × 224, nested to the pixel), of objects, and twice
of texts: three bytes of any of them become up to a hundred in memory."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorFacts:
    """What a model's metadata tell of a tensor; a dimension of -1 may have any size."""

    name: str
    datatype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedOutput:
    """An output that a request names, and whether it is to come as raw bytes."""

    name: str
    binary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceRequest:
    """`outputs` are the wanted ones, all if there are none; `binary` says how those come that are not named."""

    inputs: tuple[Tensor, ...]
    id: str | None = None
    outputs: tuple[WantedOutput, ...] = ()
    binary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceAnswer:
    """What a model gave for a request; `id` is the request's."""

    model: str
    outputs: tuple[Tensor, ...]
    version: str | None = None
    id: str | None = None


def model_path(model: str, version: str | None = None) -> str:
    """Return the path of a model's metadata; `/infer` and `/ready` go behind it."""
    path = f"{SERVER_PATH}/models/{quote(model, safe='')}"
    return path if version is None else f"{path}/versions/{quote(version, safe='')}"


def encode_request(request: InferenceRequest, *, binary: bool) -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers. `binary` says how the inputs go."""
    document: dict[str, Any] = {}
    if request.id is not None:
        document["id"] = request.id
    if request.binary:
        document["parameters"] = {"binary_data_output": True}
    if request.outputs:
        document["outputs"] = [
            {"name": output.name, "parameters": {"binary_data": output.binary}} for output in request.outputs
        ]
    return _encode(document, "inputs", [(tensor, binary) for tensor in request.inputs])


def encode_answer(answer: InferenceAnswer, *, binary: Callable[[str], bool]) -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers. `binary` says of each output by its name whether it goes as raw bytes."""
    document: dict[str, Any] = {"model_name": answer.model}
    if answer.version is not None:
        document["model_version"] = answer.version
    if answer.id is not None:
        document["id"] = answer.id
    return _encode(document, "outputs", [(tensor, binary(tensor.name)) for tensor in answer.outputs])


def parse_request(body: bytes, header_bytes: int | None) -> InferenceRequest:
    """Read a request; `header_bytes` is the value of `Inference-Header-Content-Length`, None without one."""

    def read() -> InferenceRequest:
        document, tail = _document(body, header_bytes)
        wanted = document.get("outputs") or ()
        if not isinstance(wanted, Sequence) or len(wanted) > MOST_TENSORS:
            raise ValueError(f"outputs must be a list of at most {MOST_TENSORS}")
        identity = document.get("id")
        return InferenceRequest(
            inputs=parse_tensors(document["inputs"], tail),
            id=None if identity is None else name_of(identity),
            outputs=tuple(
                WantedOutput(name=name_of(entry["name"]), binary=parameters_of(entry).get("binary_data") is True)
                for entry in wanted
            ),
            binary=parameters_of(document).get("binary_data_output") is True,
        )

    return _reading(read)


def parse_answer(body: bytes, header_bytes: int | None) -> InferenceAnswer:
    """Read an answer; `header_bytes` as for a request."""

    def read() -> InferenceAnswer:
        document, tail = _document(body, header_bytes)
        version, identity = document.get("model_version"), document.get("id")
        return InferenceAnswer(
            model=name_of(document["model_name"]),
            outputs=parse_tensors(document["outputs"], tail),
            version=version if isinstance(version, str) else None,
            id=identity if isinstance(identity, str) else None,
        )

    return _reading(read)


def parse_extensions(body: bytes) -> frozenset[str]:
    """Read the extensions that a server's metadata list."""

    def read() -> frozenset[str]:
        return frozenset(name for name in json.loads(body).get("extensions") or () if isinstance(name, str))

    return _reading(read)


def parse_model_inputs(body: bytes) -> tuple[TensorFacts, ...]:
    """Read the inputs that a model's metadata list; none if the server does not tell."""

    def read() -> tuple[TensorFacts, ...]:
        return tuple(
            TensorFacts(
                name=name_of(entry["name"]),
                datatype=name_of(entry["datatype"]),
                shape=tuple(int(size) for size in entry["shape"]),
            )
            for entry in (json.loads(body).get("inputs") or ())[:MOST_TENSORS]
        )

    return _reading(read)


def _encode(
    document: dict[str, Any], key: str, tensors: Sequence[tuple[Tensor, bool]]
) -> tuple[bytes, dict[str, str]]:
    encoded = [encode_tensor(tensor, binary=binary) for tensor, binary in tensors]
    rest = compact_json(document)[1:]
    entries = ",".join(text for text, _ in encoded)
    head = f'{{"{key}":[{entries}]{"," if document else ""}{rest}'.encode()
    if not any(binary for _, binary in tensors):
        return head, {"Content-Type": "application/json"}
    headers = {"Content-Type": "application/octet-stream", HEADER_LENGTH_HEADER: str(len(head))}
    return b"".join((head, *(raw for _, raw in encoded))), headers


def _reading(read: Callable[[], T]) -> T:
    try:
        return read()
    except KeyError as error:
        raise ValueError(f"the field {error} is missing") from None
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    except (TypeError, AttributeError, OverflowError, struct.error) as error:
        raise ValueError(f"a value is not of the kind that stands there: {str(error)[:200]}") from None
    except ValueError as error:
        raise ValueError(str(error)[:_MOST_ERROR_CHARS]) from None


def _document(body: bytes, header_bytes: int | None) -> tuple[dict[str, Any], memoryview]:
    if header_bytes is None:
        header_bytes = len(body)
    elif not 0 < header_bytes <= len(body):
        raise ValueError(f"{HEADER_LENGTH_HEADER} is {header_bytes} for a body of {len(body)} bytes")
    head = body[:header_bytes]
    for sign, most in _MOST_SIGNS.items():
        if head.count(sign) > most:
            raise ValueError(
                f"the JSON has more than {most:,} of the sign {sign.decode()}; send tensors flat or raw"
            )
    document = json.loads(head, parse_constant=_refuse)
    if not isinstance(document, dict):
        raise ValueError("the body must be one JSON object")
    return document, memoryview(body)[header_bytes:]


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number that JSON knows")
