"""Engines of models that are no classifiers: raw tensors of any, and pictures by another task. No HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from offload_sdk.errors import ModelError
from offload_sdk.model import Network, TaskModel, describe_network
from offload_sdk.model.network import dequantisation
from offload_sdk.typing import WireTask
from offload_sdk.wire_open_inference import TensorFacts
from server_stub.engine import Computed, Engine, Inference, Scores, TensorSignature
from server_stub.problems import RequestError
from server_stub.tensor_task import datatype_of
from server_stub.upload import open_upload

__all__ = ["NetworkEngine", "NetworkSource", "TaskEngine", "network_source"]

_Values = npt.NDArray[Any]


class NetworkEngine:
    """One interpreter on one thread, for tensors only."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def compute(self, inputs: Mapping[str, _Values]) -> Computed:
        timings: dict[str, float] = {}
        outputs = self._network.compute(inputs, timings)
        return Computed(outputs=outputs, infer_s=timings["infer"])

    def infer(self, image: bytes, top_k: int) -> Inference:
        raise RequestError.takes_no_pictures()

    def score(self, image: bytes | _Values) -> Scores:
        raise RequestError.model_replaced()


class TaskEngine(NetworkEngine):
    """One interpreter on one thread, for pictures by its task too."""

    def __init__(self, model: TaskModel[Any], task: WireTask[Any], *, max_pixels: int) -> None:
        super().__init__(model.network)
        self._model = model
        self._task = task
        self._max_pixels = max_pixels

    def infer(self, image: bytes, top_k: int) -> Inference:
        timings: dict[str, float] = {}
        picture = open_upload(image, self._model.spec, max_pixels=self._max_pixels)
        result, labels = self._model.solve(picture, timings)
        return Inference(
            labels=labels[:top_k],
            fields=self._task.to_wire(result),
            decode_s=timings.get("decode", 0.0) + timings.get("preprocess", 0.0),
            infer_s=timings["infer"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSource:
    """A model file on this machine that is no classifier. Without `wire_task` it takes tensors only."""

    path: Path
    task: str
    signature: TensorSignature
    wire_task: WireTask[Any] | None
    max_pixels: int

    @property
    def name(self) -> str:
        return self.path.stem

    def engine(self) -> Engine:
        if self.wire_task is None:
            return NetworkEngine(Network(self.path))
        model = TaskModel(describe_network(self.path, self.wire_task.fit), self.wire_task)
        model.try_out({})
        return TaskEngine(model, self.wire_task, max_pixels=self.max_pixels)


def network_source(path: Path, task: str, wire_task: WireTask[Any] | None, *, max_pixels: int) -> NetworkSource:
    """Return the model at `path`, whose task is called so. Raises `ModelError`: it cannot be run or served."""
    network = Network(path)
    return NetworkSource(
        path=path,
        task=task,
        signature=TensorSignature(
            inputs=_facts(path, network.inputs), outputs=_facts(path, network.outputs, real=True)
        ),
        wire_task=wire_task,
        max_pixels=max_pixels,
    )


def _facts(path: Path, tensors: Mapping[str, Mapping[str, Any]], *, real: bool = False) -> tuple[TensorFacts, ...]:
    """What metadata tell of the tensors; with `real`, of quantised ones that come as real numbers."""
    facts = []
    for name, tensor in tensors.items():
        kind = np.dtype(np.float32) if real and dequantisation(tensor) is not None else np.dtype(tensor["dtype"])
        try:
            datatype = datatype_of(kind)
        except KeyError:
            raise ModelError(
                f"{path}: the tensor {name!r} is of the type {kind}, which cannot be served."
            ) from None
        facts.append(TensorFacts(name=name, datatype=datatype, shape=tuple(map(int, tensor["shape"]))))
    return tuple(facts)
