"""Puts pixels into a model's input, normalised as it wants them. Knows nothing of outputs, labels or threads.

Which arithmetic it takes is settled once; a frame then costs one pass over its values, straight into the
interpreter's memory, or two for float input.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from offload_sdk.errors import ModelError
from offload_sdk.model.spec import Normalisation

__all__ = ["Feed", "pixel_feed"]

Feed = Callable[[Any, npt.NDArray[Any]], None]
"""Takes the interpreter and values of shape (1, height, width, 3): of `pixel_feed` uint8 pixels, RGB."""


def pixel_feed(source: dict[str, Any], rule: Normalisation | None) -> Feed:
    """How to feed the input that the runtime describes as `source`.

    Raises:
        ModelError: the model does not say how its input is quantised.
    """
    number: int = source["index"]
    feed = _ordered(source, rule, number)
    if rule is None or not rule.bgr:
        return feed
    return lambda interpreter, pixels: feed(interpreter, pixels[..., ::-1])


def _ordered(source: dict[str, Any], rule: Normalisation | None, number: int) -> Feed:
    dtype = np.dtype(source["dtype"])
    if rule is None:
        if dtype == np.uint8:
            return lambda interpreter, pixels: interpreter.set_tensor(number, pixels)
        if dtype == np.int8:
            return _by_table(np.arange(-128, 128).astype(np.int8)[None], number)
        raise ModelError("A model with float input needs a normalisation.")
    if np.issubdtype(dtype, np.floating):
        return _by_arithmetic(rule, int(source["shape"][2]), number)
    table = _quantised(rule, dtype, source["quantization"])
    if dtype == np.uint8 and np.array_equal(table, np.arange(256)[None]):
        return lambda interpreter, pixels: interpreter.set_tensor(number, pixels)
    return _by_table(table, number)


def _by_arithmetic(rule: Normalisation, width: int, number: int) -> Feed:
    # One factor for each value of a row: NumPy is far slower when it repeats three values along the last axis.
    factor = np.tile(np.float32(1.0) / np.array(rule.std, np.float32), width)
    offset = np.tile(np.array(rule.mean, np.float32) / np.array(rule.std, np.float32), width)

    def feed(interpreter: Any, pixels: npt.NDArray[np.uint8]) -> None:
        # This view of the interpreter's memory must end with the function: the runtime refuses to run till then.
        rows = interpreter.tensor(number)().reshape(pixels.shape[1], -1)
        np.multiply(pixels.reshape(rows.shape), factor, out=rows)
        rows -= offset

    return feed


def _by_table(tables: npt.NDArray[Any], number: int) -> Feed:
    """`tables` has the shape (1, 256), or (3, 256) if the channels differ."""

    def feed(interpreter: Any, pixels: npt.NDArray[np.uint8]) -> None:
        view = interpreter.tensor(number)()
        if len(tables) == 1:
            np.take(tables[0], pixels, out=view, mode="clip")
        else:
            for channel, table in enumerate(tables):
                view[..., channel] = table[pixels[..., channel]]

    return feed


def _quantised(rule: Normalisation, dtype: np.dtype[Any], how: tuple[float, int]) -> npt.NDArray[Any]:
    """What each pixel value becomes: stored = real / scale + zero point."""
    scale, zero_point = how
    if not scale:
        raise ModelError("The model's input is quantised, but it does not say how.")
    channels = sorted(set(zip(rule.mean, rule.std, strict=True)))
    if len(channels) > 1:
        channels = list(zip(rule.mean, rule.std, strict=True))
    real = np.array([(np.arange(256.0) - mean) / std for mean, std in channels])
    limits = np.iinfo(dtype)
    return np.clip(np.rint(real / scale + zero_point), limits.min, limits.max).astype(dtype)
