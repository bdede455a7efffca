"""A server process for the tests: the image says how long its inference takes. Run with settings as JSON, and the
model: `fine`, `broken`, or a file that holds one of these or another name."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from offload_sdk._types import Label
from offload_sdk.errors import ModelError, OffloadError
from server_stub.engine import Inference
from server_stub.run import serve
from server_stub.settings import ServerSettings


class SleepyModel:
    def __init__(self, name: str) -> None:
        self.name = name

    def engine(self) -> SleepyModel:
        return self

    def infer(self, image: bytes, top_k: int) -> Inference:
        os.write(1, b"entered\n")  # whole lines, though several threads write
        time.sleep(float(image))
        return Inference(labels=(Label(name="x", probability=1.0, index=0),), decode_s=0.0, infer_s=float(image))


def load() -> SleepyModel:
    asked = Path(sys.argv[2])
    name = asked.read_text() if asked.exists() else str(asked)
    if name == "broken":
        raise ModelError("the model is broken; pull it again")
    return SleepyModel(name)


try:
    serve(ServerSettings(**json.loads(sys.argv[1])), loader=load)
except OffloadError as error:
    sys.exit(f"error: {error}")
