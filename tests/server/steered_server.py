"""A server process for the tests: the image says how long its inference takes. Run with settings as JSON."""

from __future__ import annotations

import json
import sys
import time

from offload_sdk._types import Label
from offload_sdk.errors import ModelError, OffloadError
from server_stub.engine import Inference
from server_stub.run import serve
from server_stub.settings import ServerSettings


class SleepyModel:
    name = "sleepy"

    def engine(self) -> SleepyModel:
        return self

    def infer(self, image: bytes, top_k: int) -> Inference:
        print("entered", flush=True)
        time.sleep(float(image))
        return Inference(labels=(Label(name="x", probability=1.0, index=0),), decode_s=0.0, infer_s=float(image))


def load() -> SleepyModel:
    if sys.argv[2] == "broken":
        raise ModelError("the model is broken; pull it again")
    return SleepyModel()


try:
    serve(ServerSettings(**json.loads(sys.argv[1])), loader=load)
except OffloadError as error:
    sys.exit(f"error: {error}")
