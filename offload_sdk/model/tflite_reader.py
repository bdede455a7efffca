"""Reads from a TFLite file what must be known before it runs: shapes, types, metadata. No runtime, no NumPy.

Field numbers are those of TFLite's public schemas (`schema.fbs` version 3 and `metadata_schema.fbs`). The weights
are not touched: the file is mapped, so a look costs a few pages. Every offset is checked, as files are damaged.
What the facts mean for a model is decided by the caller.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from offload_sdk.errors import ModelError

__all__ = ["ImageMetadata", "TensorFacts", "TfliteFacts", "read_tflite"]

_METADATA_NAME = "TFLITE_METADATA"
_NORMALIZATION = 1  # ProcessUnitOptions
_AXIS_LABELS, _VALUE_LABELS = 2, 3  # AssociatedFileType
_TYPES = {0: "float32", 1: "float16", 2: "int32", 3: "uint8", 4: "int64", 9: "int8"}
_PASS_ON = (6, 22, 114)  # DEQUANTIZE, RESHAPE, QUANTIZE: they do not change what the numbers mean


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorFacts:
    name: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageMetadata:
    """What TFLite metadata says of a classifier; None or () where it says nothing."""

    name: str | None = None
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    label_files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TfliteFacts:
    """`last_operator` is the builtin operator that computes the first output (25 is softmax)."""

    inputs: tuple[TensorFacts, ...]
    outputs: tuple[TensorFacts, ...]
    last_operator: int | None
    metadata: ImageMetadata | None


def read_tflite(path: Path) -> TfliteFacts:
    """Raises: ModelError if the file is missing, or not a complete TFLite file."""
    try:
        with path.open("rb") as stream, closing(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)) as buffer:
            if buffer[4:8] != b"TFL3":
                raise ModelError(f"{path} is not a TFLite model: it lacks the mark TFL3.")
            try:
                return _model(buffer)
            except (struct.error, ValueError, IndexError, RecursionError) as error:
                raise ModelError(f"{path} is a damaged TFLite model: {error}.") from error
    except FileNotFoundError as error:
        raise ModelError(f"There is no model file {path}.") from error
    except (OSError, ValueError) as error:  # ValueError: an empty file cannot be mapped
        raise ModelError(f"{path} cannot be read as a model: {error}.") from error


class _Table:
    """A table of a flatbuffer: fields by number, absent ones with their default."""

    __slots__ = ("_buffer", "_position", "_vtable", "_vtable_bytes")

    def __init__(self, buffer: mmap.mmap | bytes, position: int) -> None:
        self._buffer = buffer
        self._position = position
        self._vtable = position - self._unpack("<i", position)
        self._vtable_bytes = self._unpack("<H", self._vtable)

    @classmethod
    def root(cls, buffer: mmap.mmap | bytes) -> _Table:
        return cls(buffer, struct.unpack_from("<I", buffer, 0)[0])

    def number(self, slot: int, code: str, default: int = 0) -> int:
        field = self._field(slot)
        return default if field is None else self._unpack(f"<{code}", field)

    def table(self, slot: int) -> _Table | None:
        field = self._field(slot)
        return None if field is None else _Table(self._buffer, field + self._unpack("<I", field))

    def tables(self, slot: int) -> list[_Table]:
        start, count = self._vector(slot, 4)
        places = range(start, start + 4 * count, 4)
        return [_Table(self._buffer, place + self._unpack("<I", place)) for place in places]

    def numbers(self, slot: int, code: str) -> tuple[int, ...]:
        start, count = self._vector(slot, 4)
        return struct.unpack_from(f"<{count}{code}", self._buffer, start)

    def floats(self, slot: int) -> tuple[float, ...]:
        start, count = self._vector(slot, 4)
        return struct.unpack_from(f"<{count}f", self._buffer, start)

    def content(self, slot: int) -> bytes:
        start, count = self._vector(slot, 1)
        return bytes(self._buffer[start : start + count])

    def text(self, slot: int) -> str:
        return self.content(slot).decode("utf-8", "replace")

    def _field(self, slot: int) -> int | None:
        entry = 4 + 2 * slot
        offset = self._unpack("<H", self._vtable + entry) if entry + 2 <= self._vtable_bytes else 0
        return self._position + offset if offset else None

    def _vector(self, slot: int, item_bytes: int) -> tuple[int, int]:
        """Where the items start, and how many there are."""
        field = self._field(slot)
        if field is None:
            return 0, 0
        at = field + self._unpack("<I", field)
        count = self._unpack("<I", at)
        if at + 4 + count * item_bytes > len(self._buffer):
            raise ValueError("it ends too early")
        return at + 4, count

    def _unpack(self, code: str, at: int) -> int:
        if at < 0:  # unpack_from would count from the end
            raise ValueError("an offset points before the file")
        value: int = struct.unpack_from(code, self._buffer, at)[0]
        return value


def _model(buffer: mmap.mmap) -> TfliteFacts:
    model = _Table.root(buffer)
    subgraph = model.tables(2)[0]
    tensors = subgraph.tables(0)
    outputs = subgraph.numbers(2, "i")
    return TfliteFacts(
        inputs=tuple(_tensor(tensors[index]) for index in subgraph.numbers(1, "i")),
        outputs=tuple(_tensor(tensors[index]) for index in outputs),
        last_operator=_producer(model, subgraph, outputs[0]) if outputs else None,
        metadata=_metadata(model),
    )


def _tensor(table: _Table) -> TensorFacts:
    kind = table.number(1, "b")
    return TensorFacts(name=table.text(3), shape=table.numbers(0, "i"), dtype=_TYPES.get(kind, f"type {kind}"))


def _producer(model: _Table, subgraph: _Table, tensor: int) -> int | None:
    """The operator behind a tensor, looking through those that only store its numbers in another way."""
    codes = [max(code.number(0, "b"), code.number(3, "i")) for code in model.tables(1)]
    for step in reversed(subgraph.tables(3)):
        if tensor in step.numbers(2, "i"):
            code = codes[step.number(0, "I")]
            if code not in _PASS_ON:
                return code
            tensor = step.numbers(1, "i")[0]
    return None


def _metadata(model: _Table) -> ImageMetadata | None:
    buffers = model.tables(4)
    for entry in model.tables(6):
        if entry.text(0) == _METADATA_NAME:
            content = buffers[entry.number(1, "I")].content(0)
            return _image_metadata(_Table.root(content))
    return None


def _image_metadata(metadata: _Table) -> ImageMetadata:
    name = metadata.text(0) or None
    for subgraph in metadata.tables(3):
        mean: tuple[float, ...] = ()
        std: tuple[float, ...] = ()
        for unit in [unit for tensor in subgraph.tables(2)[:1] for unit in tensor.tables(4)]:
            options = unit.table(1)
            if unit.number(0, "B") == _NORMALIZATION and options is not None:
                mean, std = options.floats(0), options.floats(1)
        labels = tuple(_label_files(subgraph))
        return ImageMetadata(name=name, mean=mean, std=std, label_files=labels)
    return ImageMetadata(name=name)


def _label_files(subgraph: _Table) -> Iterator[str]:
    """Files with names of the first output's classes; one without a language comes first."""
    found = [
        (file.text(3) != "", file.text(0))
        for tensor in subgraph.tables(3)[:1]
        for file in tensor.tables(6)
        if file.number(2, "b") in (_AXIS_LABELS, _VALUE_LABELS)
    ]
    yield from (name for _, name in sorted(found, key=lambda item: item[0]))
