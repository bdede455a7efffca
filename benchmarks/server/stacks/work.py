"""What every server with a TFLite model does for one picture, and what the bare baseline does: the same calls."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from offload_sdk.model import Classifier, open_picture, resolve

__all__ = ["Work"]


class Work:
    """One interpreter with one thread. `model` is a name of the catalogue or a path, kept in `models`."""

    def __init__(self, model: str, models: Path) -> None:
        self._classifier = Classifier(resolve(model, models), threads=1)

    @classmethod
    def from_environment(cls) -> Work:
        return cls(os.environ["BENCH_MODEL"], Path(os.environ["BENCH_MODELS"]))

    def predictions(self, jpeg: bytes) -> list[dict[str, Any]]:
        """The three best classes, as the servers answer them."""
        tensor = open_picture(jpeg, self._classifier.spec).tensor({})
        return [
            {"label": label.name, "probability": label.probability, "index": label.index}
            for label in self._classifier.classify_tensor(tensor, 3)
        ]
