"""One tensor of the protocol, to JSON or raw bytes and back. Nothing of requests, answers or models.

What is read is checked against its own size before memory is taken for it; what does not fit raises `ValueError`.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

__all__ = [
    "DATATYPES",
    "MOST_TENSORS",
    "Tensor",
    "compact_json",
    "encode_tensor",
    "name_of",
    "parameters_of",
    "parse_tensors",
]

MOST_TENSORS = 16
DATATYPES = {
    "BOOL": "?",
    "UINT8": "B",
    "UINT16": "H",
    "UINT32": "I",
    "UINT64": "Q",
    "INT8": "b",
    "INT16": "h",
    "INT32": "i",
    "INT64": "q",
    "FP16": "e",
    "FP32": "f",
    "FP64": "d",
}
"""The numeric datatypes, each with its code of `struct`, which is NumPy's too."""
_DIGITS = {"FP16": 5, "FP32": 9, "FP64": 17}  # as many as bring the same number back
_MOST_RANK = 8
_MOST_NAME_CHARS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """`data` holds the values in row-major order: little-endian bytes, or one `bytes` for each element of `BYTES`.

    In JSON an element of `BYTES` is text, so what is not UTF-8 must have been made text by whoever sends it.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]
    data: bytes | tuple[bytes, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def numbers(self) -> tuple[float, ...]:
        """Return the values of a numeric tensor."""
        assert isinstance(self.data, bytes)
        return struct.unpack(f"<{math.prod(self.shape)}{DATATYPES[self.datatype]}", self.data)


def encode_tensor(tensor: Tensor, *, binary: bool) -> tuple[str, bytes]:
    """Return the tensor's JSON, and the bytes that go behind the whole document."""
    parameters = dict(tensor.parameters)
    raw = b""
    if binary:
        raw = _raw(tensor)
        parameters["binary_data_size"] = len(raw)
    entry: dict[str, Any] = {"name": tensor.name, "shape": tensor.shape, "datatype": tensor.datatype}
    if parameters:
        entry["parameters"] = parameters
    text = compact_json(entry)
    return text if binary else f'{text[:-1]},"data":[{_values(tensor)}]}}', raw


def compact_json(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def parse_tensors(entries: Any, tail: memoryview) -> tuple[Tensor, ...]:
    """Read the tensors of a document; `tail` are the bytes behind it."""
    if not isinstance(entries, list) or not 0 < len(entries) <= MOST_TENSORS:
        raise ValueError(f"there must be 1 to {MOST_TENSORS} tensors")
    tensors = []
    for entry in entries:
        name, datatype, shape = name_of(entry["name"]), name_of(entry["datatype"]), _shape(entry["shape"])
        if datatype != "BYTES" and datatype not in DATATYPES:
            raise ValueError(
                f"the tensor {name!r} has the datatype {datatype!r}, which the protocol does not know"
            )
        parameters = parameters_of(entry)
        size = parameters.pop("binary_data_size", None)
        if size is None:
            data = _from_json(name, datatype, shape, entry["data"])
        else:
            if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= len(tail):
                raise ValueError(f"the tensor {name!r} says {size!r} bytes of the {len(tail)} that are left")
            data = _from_bytes(name, datatype, shape, bytes(tail[:size]))
            tail = tail[size:]
        tensors.append(Tensor(name=name, datatype=datatype, shape=shape, data=data, parameters=parameters))
    if tail:
        raise ValueError(f"{len(tail)} bytes follow the last tensor")
    return tuple(tensors)


def parameters_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    parameters = entry.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise ValueError("parameters must be an object")
    return parameters


def name_of(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _MOST_NAME_CHARS:
        raise ValueError(f"a name must be text of at most {_MOST_NAME_CHARS} characters")
    value.encode()  # JSON may hold half a surrogate pair, which nothing can send back
    return value


def _raw(tensor: Tensor) -> bytes:
    if isinstance(tensor.data, bytes):
        return tensor.data
    return b"".join(struct.pack("<I", len(element)) + element for element in tensor.data)


def _values(tensor: Tensor) -> str:
    """Return the values as JSON, without the brackets."""
    if not isinstance(tensor.data, bytes):
        return ",".join(compact_json(element.decode()) for element in tensor.data)
    numbers = tensor.numbers()
    digits = _DIGITS.get(tensor.datatype)
    if digits is None:
        return compact_json(numbers)[1:-1]
    texts = {number: f"{number:.{digits}g}" for number in set(numbers)}  # pixels have few values
    return ",".join(map(texts.__getitem__, numbers))


def _from_json(name: str, datatype: str, shape: tuple[int, ...], values: Any) -> bytes | tuple[bytes, ...]:
    if not isinstance(values, list):
        values = [values]
    for _ in shape[1:]:  # nested as the shape is, or flat
        if not values or not isinstance(values[0], list):
            break
        values = list(chain.from_iterable(values))
    _check_count(name, shape, len(values), "values")
    if datatype == "BYTES":
        return tuple(value.encode() for value in values)
    return struct.pack(f"<{len(values)}{DATATYPES[datatype]}", *values)


def _from_bytes(name: str, datatype: str, shape: tuple[int, ...], raw: bytes) -> bytes | tuple[bytes, ...]:
    if datatype != "BYTES":
        _check_count(name, (*shape, struct.calcsize(f"<{DATATYPES[datatype]}")), len(raw), "bytes")
        return raw
    elements = []
    at = 0
    while at < len(raw):
        if at + 4 > len(raw) or at + 4 + (size := int.from_bytes(raw[at : at + 4], "little")) > len(raw):
            raise ValueError(f"the tensor {name!r} ends within an element")
        elements.append(raw[at + 4 : at + 4 + size])
        at += 4 + size
    _check_count(name, shape, len(elements), "elements")
    return tuple(elements)


def _check_count(name: str, shape: tuple[int, ...], count: int, unit: str) -> None:
    if math.prod(shape) != count:
        raise ValueError(f"the tensor {name!r} has {count} {unit}, and its shape needs {math.prod(shape)}")


def _shape(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list) or len(value) > _MOST_RANK:
        raise ValueError(f"a shape must be a list of at most {_MOST_RANK} sizes")
    for size in value:
        if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size < 2**31:
            raise ValueError("a shape must hold whole numbers from 0")
    return tuple(value)
