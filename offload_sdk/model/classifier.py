"""Runs one model: a picture's pixels in, probabilities and labels out. Decodes no images, reads no side files.

Everything that can be settled when the model is loaded is settled then, so that a call adds little to the
runtime's own copy, invoke, copy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from offload_sdk._types import Label
from offload_sdk.errors import InvalidImageError, ModelError
from offload_sdk.model.feed import Feed, pixel_feed
from offload_sdk.model.network import Network, dequantisation
from offload_sdk.model.spec import InputSpec, ModelFile

__all__ = ["Classifier"]

_Pixels = npt.NDArray[np.uint8]
_Values = npt.NDArray[np.float32]
_Probabilities = npt.NDArray[np.float32]


class Classifier:
    """One interpreter. Safe for several threads, which take turns; make more of them to run in parallel.

    Args:
        model: what `resolve` gave.
        threads: how many threads the runtime uses for one inference.

    Raises:
        ModelError: the file cannot be run, or does not do what `model` says.
    """

    def __init__(self, model: ModelFile, threads: int = 1) -> None:
        self.model = model
        self.threads = threads
        self._network = Network(model.path, threads)
        source, answer = next(iter(self._network.inputs.values())), next(iter(self._network.outputs.values()))
        self._shape = (1, model.spec.height, model.spec.width, 3)
        if tuple(source["shape"]) != self._shape:
            raise ModelError(f"{model.path} takes an input of shape {list(source['shape'])}, not {self._shape}.")
        outputs = len(model.labels) + model.background
        if int(np.prod(answer["shape"])) != outputs:
            raise ModelError(f"{model.path} has {list(answer['shape'])} outputs for {outputs} labels.")
        self._answer: int = answer["index"]
        self._feeds: dict[np.dtype[Any], Feed] = {np.dtype(np.uint8): pixel_feed(source, model.normalisation)}
        if source["dtype"] == np.float32:
            place = source["index"]
            self._feeds[np.dtype(np.float32)] = lambda interpreter, values: interpreter.set_tensor(place, values)
        self._dequantise = dequantisation(answer)
        if self._dequantise is None and not np.issubdtype(answer["dtype"], np.floating):
            raise ModelError("The model's output is quantised, but it does not say how.")
        self._skip = int(model.background)
        self._output = model.output

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def spec(self) -> InputSpec:
        """What pictures must be cut to."""
        return self.model.spec

    def infer(self, tensor: _Pixels | _Values, timings: dict[str, float] | None = None) -> _Probabilities:
        """Probabilities of the classes, float32 of shape (classes,), background removed.

        Args:
            tensor: uint8 pixels of shape (1, height, width, 3), RGB; or float32, if the model takes that, as the
                model wants it: normalised, its channels in its order.
            timings: gets the seconds spent waiting for other threads (`wait`) and computing (`infer`) added.

        Raises:
            InvalidImageError: another shape or type.
            ModelError: closed, or the runtime failed.
        """
        feed = self._feeds.get(tensor.dtype)
        if feed is None or tensor.shape != self._shape:
            values = " or float32 values" if len(self._feeds) > 1 else ""
            raise InvalidImageError(
                f"The model takes uint8 pixels{values} of shape {self._shape}, not "
                f"{tensor.dtype} of {tensor.shape}."
            )
        (raw,) = self._network.run(lambda interpreter: feed(interpreter, tensor), (self._answer,), timings)
        return self._probabilities(raw)

    def top(self, probabilities: _Probabilities, k: int) -> tuple[Label, ...]:
        """The `k` most probable classes (fewer if there are fewer), best first, equal ones by index."""
        # As many searches as classes are wanted: right after an inference, with cold caches, this takes less than
        # half as long as one partial sort and what it calls.
        left = probabilities.copy()
        labels = self.model.labels
        best: list[Label] = []
        for _ in range(min(k, len(left))):
            index = int(left.argmax())
            best.append(Label(name=labels[index], probability=float(left[index]), index=index))
            left[index] = -1.0
        return tuple(best)

    def classify_tensor(self, tensor: Any, k: int, timings: dict[str, float] | None = None) -> tuple[Label, ...]:
        """`infer` and `top` in one."""
        return self.top(self.infer(tensor, timings), k)

    def close(self) -> None:
        """Frees the model's memory after the inference under way. Further calls raise ModelError."""
        self._network.close()

    def _probabilities(self, raw: npt.NDArray[Any]) -> _Probabilities:
        values = raw.reshape(-1)
        if self._dequantise is not None:
            scale, zero_point = self._dequantise
            values = (values.astype(np.float32) - zero_point) * scale
        elif values.dtype != np.float32:
            values = values.astype(np.float32)
        if self._output == "logits" or (self._output is None and not _looks_like_probabilities(values)):
            values = np.exp(values - values.max())
            values /= values.sum()
        return values[self._skip :]


def _looks_like_probabilities(values: _Probabilities) -> bool:
    return bool(values.min() >= 0.0) and abs(float(values.sum()) - 1.0) < 0.02
