"""The real engine: pictures and interpreters of `offload_sdk.model`. No threads, no HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from offload_sdk.model import AUTO, CATALOGUE, Classifier, ModelFile, resolve
from offload_sdk.model.describe import CLASSIFICATION
from offload_sdk.model.tflite_reader import read_tflite
from offload_sdk.tasks import read_task, task_name
from server_stub.engine import Engine, EngineSource, Inference, Loader, Scores, Signature
from server_stub.network_engine import network_source
from server_stub.settings import ServerSettings
from server_stub.upload import open_upload

__all__ = ["ModelEngine", "ModelSource", "model_loader"]


class ModelEngine:
    """A classifier's interpreter on one thread."""

    def __init__(self, classifier: Classifier, *, max_pixels: int) -> None:
        self._classifier = classifier
        self._max_pixels = max_pixels

    def infer(self, image: bytes, top_k: int) -> Inference:
        scores = self.score(image)
        return Inference(
            labels=self._classifier.top(scores.probabilities, top_k),
            decode_s=scores.decode_s,
            infer_s=scores.infer_s,
        )

    def score(self, image: bytes | npt.NDArray[Any]) -> Scores:
        timings: dict[str, float] = {}
        tensor = self._pixels(image, timings) if isinstance(image, bytes) else image[None]
        probabilities = self._classifier.infer(tensor, timings)
        return Scores(
            probabilities=probabilities,
            decode_s=timings.get("decode", 0.0) + timings.get("preprocess", 0.0),
            infer_s=timings["infer"],
        )

    def _pixels(self, image: bytes, timings: dict[str, float]) -> npt.NDArray[np.uint8]:
        return open_upload(image, self._classifier.spec, max_pixels=self._max_pixels).tensor(timings)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSource:
    """A model file on this machine. One thread per interpreter: the pool runs several of them side by side."""

    file: ModelFile
    signature: Signature
    max_pixels: int

    @property
    def name(self) -> str:
        return self.file.name

    def engine(self) -> Engine:
        return ModelEngine(Classifier(self.file, threads=1), max_pixels=self.max_pixels)


def model_loader(settings: ServerSettings) -> Loader:
    """Return the loader of the model that the settings name; it may fetch or build it."""

    def load() -> EngineSource:
        path = Path(settings.model).expanduser()
        if settings.model not in (AUTO, *CATALOGUE) and (task := task_name(path)) != CLASSIFICATION:
            return network_source(path, task, read_task(path), max_pixels=settings.max_pixels)
        file = resolve(settings.model, _models_dir(settings))
        return ModelSource(file=file, signature=_signature(file), max_pixels=settings.max_pixels)

    return load


def _signature(file: ModelFile) -> Signature:
    floats = read_tflite(file.path).inputs[0].dtype == "float32"
    return Signature(
        width=file.spec.width,
        height=file.spec.height,
        datatype="float32" if floats else "uint8",
        labels=file.labels,
    )


def _models_dir(settings: ServerSettings) -> Path:
    if settings.models_dir is not None:
        return settings.models_dir
    from platformdirs import user_data_path

    return user_data_path("offload-sdk", appauthor=False) / "models"
