"""A server process that decodes pictures in earnest and then says anything. It cannot write to any file: the limit
of a file's size is 0. Run with settings as JSON."""

from __future__ import annotations

import json
import resource
import sys

import numpy as np

from offload_sdk._types import Label
from offload_sdk.model import InputSpec
from server_stub.model_engine import ModelEngine
from server_stub.run import serve
from server_stub.settings import ServerSettings


class NoModel:
    """Stands for a `Classifier`."""

    spec = InputSpec()

    def infer(self, tensor, timings):
        timings["infer"] = 0.0
        return np.array([1.0])

    def top(self, probabilities, top_k):
        return (Label(name="x", probability=1.0, index=0),)


class Source:
    name = "none"

    def engine(self):
        return ModelEngine(NoModel(), max_pixels=settings.max_pixels)


resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
settings = ServerSettings(**json.loads(sys.argv[1]))
serve(settings, loader=Source)
