"""A model behind the Open Inference Protocol: what its metadata say, as the arithmetic that fits. No HTTP.

The protocol tells names, types and shapes, and neither how pixels are normalised nor what the outputs are called.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from offload_sdk._types import Label, Payload
from offload_sdk._view import View
from offload_sdk.errors import ModelError, RemoteError
from offload_sdk.model import Normalisation, finished, imagenet_names
from offload_sdk.typing import Task
from offload_sdk.wire_open_inference import DATATYPES, Tensor, TensorFacts

__all__ = ["ServedModel", "labelled", "solved"]

_VALUE_BYTES = {("UINT8", True): 1.0, ("FP32", True): 4.0, ("UINT8", False): 3.5, ("FP32", False): 12.5}
"""By datatype and whether it goes as raw bytes. As JSON a photograph's value takes 3.5, and normalised to nine
digits 12.5, separators included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """Its one input. `normalisation` is for a float input; None if it is not known."""

    facts: TensorFacts
    normalisation: Normalisation | None

    def payload(self, *, binary: bool) -> Payload | None:
        """Return the input as a form to upload a picture in; None if its size or type is not told."""
        size_bytes = _VALUE_BYTES.get((self.facts.datatype, binary))
        values = math.prod(self.facts.shape[-3:])
        if size_bytes is None or values <= 0:
            return None
        side_px = round(math.sqrt(values / 3))
        return Payload(
            side_px=side_px, quality=None, expected_bytes=round(values * size_bytes), agreement_frac=1.0
        )

    def tensor(self, pixels: Any) -> Tensor:
        """Return the input for uint8 pixels of shape (1, height, width, 3), RGB.

        Raises `RemoteError` (`protocol`) if the model takes something else.
        """
        facts = self.facts
        image = facts.shape[-3:]
        if len(facts.shape) not in (3, 4) or facts.shape[:-3] not in ((), (1,), (-1,)):
            raise self._unfit("an image classifier takes [N, height, width, 3] or [N, 3, height, width]")
        planes = image[0] == 3 and image[2] != 3
        values = pixels.transpose(0, 3, 1, 2) if planes else pixels
        if any(told not in (-1, size) for told, size in zip(image, values.shape[1:], strict=True)):
            height, width = pixels.shape[1:3]
            raise self._unfit(
                f"pictures here are cut to {width} × {height}; set `model` to one with such an input"
            )
        if facts.datatype == "FP32":
            values = self._normalised(pixels)
            values = values.transpose(0, 3, 1, 2) if planes else values
        elif facts.datatype != "UINT8":
            raise self._unfit("only FP32 and UINT8 are supported")
        shape = values.shape if len(facts.shape) == 4 else values.shape[1:]
        return Tensor(name=facts.name, datatype=facts.datatype, shape=shape, data=values.tobytes())

    def _normalised(self, pixels: Any) -> Any:
        rule = self.normalisation
        if rule is None:
            raise self._unfit(
                "how its pixels are normalised is not known; set the endpoint's pixel_mean and pixel_std"
            )
        ordered = pixels[..., ::-1] if rule.bgr else pixels
        return ((ordered - np.array(rule.mean, np.float32)) / np.array(rule.std, np.float32)).astype("<f4")

    def _unfit(self, why: str) -> RemoteError:
        facts = self.facts
        words = f"the model's input {facts.name!r} is {facts.datatype} {list(facts.shape)}: {why}"
        return RemoteError(words, kind="protocol")


def solved(outputs: Sequence[Tensor], task: Task[Any], view: View) -> tuple[Any, tuple[Label, ...]]:
    """Return the task's result and the classes found. Raises `RemoteError` (`protocol`) if it makes nothing of the
    answer."""
    numeric = {
        output.name: np.frombuffer(output.data, f"<{DATATYPES[output.datatype]}").reshape(output.shape)
        for output in outputs
        if isinstance(output.data, bytes)
    }
    try:
        return finished(task, numeric, view)
    except ModelError as error:
        raise RemoteError(f"the answer is of no use: {error}", kind="protocol") from error


def labelled(outputs: Sequence[Tensor], names: Sequence[str]) -> tuple[Label, ...]:
    """Return every class with its probability, the best first.

    The scores are the first numeric output with more than one value. They are taken as probabilities if they
    are some, UINT8 (a quantised model's) as shares of their sum, else as logits. With one more than there are
    `names`, or ImageNet has classes, the first is the background. Raises `RemoteError` (`protocol`).
    """
    scores = next((o.numbers() for o in outputs if isinstance(o.data, bytes) and math.prod(o.shape) > 1), None)
    if scores is None or not all(map(math.isfinite, scores)):
        raise RemoteError("the answer holds no scores of classes", kind="protocol")
    total = sum(scores)
    if min(scores) < 0.0 or abs(total - 1.0) > 0.02:
        if all(isinstance(score, int) for score in scores) and min(scores) >= 0 and total > 0:
            scores = tuple(score / total for score in scores)
        else:
            most = max(scores)
            powers = [math.exp(score - most) for score in scores]
            total = sum(powers)
            scores = tuple(power / total for power in powers)
    count = len(scores)
    known = next((n for n in (names, imagenet_names()) if count - len(n) in (0, 1)), None)
    skip = 0 if known is None else count - len(known)
    return tuple(
        Label(name=f"class {index}" if known is None else known[index], probability=min(score, 1.0), index=index)
        for index, score in sorted(enumerate(scores[skip:]), key=lambda pair: -pair[1])
    )
