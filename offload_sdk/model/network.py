"""Runs any `.tflite`: tensors in, tensors out. Knows nothing of pictures, classes or tasks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from offload_sdk.errors import ModelError
from offload_sdk.model.runtime import new_interpreter

__all__ = ["Network", "Values", "dequantisation", "tensor_names"]

Values = npt.NDArray[Any]


class Network:
    """One interpreter. Safe for several threads, which take turns; make more of them to run in parallel.

    `inputs` and `outputs` are the runtime's descriptions of the tensors by name, in the model's order. Raises
    `ModelError` if the file cannot be run.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._interpreter: Any = new_interpreter(path, threads)
        self.inputs = _named(self._interpreter.get_input_details(), "input")
        self.outputs = _named(self._interpreter.get_output_details(), "output")
        self._real = [dequantisation(output) for output in self.outputs.values()]

    def run(
        self, feed: Callable[[Any], None], outputs: Sequence[int], timings: dict[str, float] | None = None
    ) -> list[Values]:
        """Have `feed` fill the interpreter's inputs, compute, and return copies of the tensors of these indices.

        `timings` gets the seconds spent waiting for other threads (`wait`) and computing (`infer`) added. Raises
        `ModelError`: closed, or the runtime failed.
        """
        asked_s = time.perf_counter()
        with self._lock:
            started_s = time.perf_counter()
            interpreter = self._interpreter
            if interpreter is None:
                raise ModelError("The model is closed.")
            try:
                feed(interpreter)
                interpreter.invoke()
                values = [interpreter.get_tensor(index) for index in outputs]
            except (ValueError, RuntimeError) as error:
                raise ModelError(f"{self._path} failed to run: {error}") from error
        if timings is not None:
            timings["wait"] = timings.get("wait", 0.0) + started_s - asked_s
            timings["infer"] = timings.get("infer", 0.0) + time.perf_counter() - started_s
        return values

    def outputs_of(
        self, feed: Callable[[Any], None], timings: dict[str, float] | None = None
    ) -> dict[str, Values]:
        """Return all outputs by name, in the model's order; quantised ones as real numbers, float32."""
        values = self.run(feed, [output["index"] for output in self.outputs.values()], timings)
        return {
            name: value if real is None else (value.astype(np.float32) - real[1]) * real[0]
            for name, real, value in zip(self.outputs, self._real, values, strict=True)
        }

    def compute(self, inputs: Mapping[str, Values], timings: dict[str, float] | None = None) -> dict[str, Values]:
        """Return all outputs for all inputs, by name, each of the model's own type and shape."""

        def feed(interpreter: Any) -> None:
            for name, source in self.inputs.items():
                interpreter.set_tensor(source["index"], inputs[name])

        return self.outputs_of(feed, timings)

    def close(self) -> None:
        """Frees the model's memory after the inference under way. Further calls raise ModelError."""
        with self._lock:
            self._interpreter = None


def tensor_names(names: Sequence[str], kind: str) -> list[str]:
    """Return the names of a model's tensors; those that lack one or share it are called by their place."""
    return [name if name and names.count(name) == 1 else f"{kind}_{number}" for number, name in enumerate(names)]


def _named(tensors: Sequence[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return dict(zip(tensor_names([tensor["name"] for tensor in tensors], kind), tensors, strict=True))


def dequantisation(tensor: Mapping[str, Any]) -> tuple[np.float32, np.float32] | None:
    """Scale and zero point of a tensor that holds real numbers as integers; None for any other."""
    scale, zero_point = tensor["quantization"]
    if not scale or np.issubdtype(tensor["dtype"], np.floating):
        return None
    return np.float32(scale), np.float32(zero_point)
