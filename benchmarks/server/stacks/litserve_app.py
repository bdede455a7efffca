"""The same work behind LitServe: `python litserve_app.py PORT WORKERS`. Runs in LitServe's own environment.

LitServe reads the annotation of `request` to choose how it parses the body, so annotations are no strings here.
"""

import sys
from typing import Any

import litserve
from fastapi import Request

from benchmarks.server.stacks.work import Work


class Classify(litserve.LitAPI):
    """Takes the same form as the other servers; decoding and inference are both the worker's."""

    def setup(self, device: str) -> None:
        self._work = Work.from_environment()

    def decode_request(self, request: Request) -> bytes:
        return bytes(request["image"].file.read())  # by then it is the parsed form

    def predict(self, jpeg: bytes) -> list[dict[str, Any]]:
        return self._work.predictions(jpeg)

    def encode_response(self, predictions: list[dict[str, Any]]) -> dict[str, Any]:
        return {"predictions": predictions}


if __name__ == "__main__":
    server = litserve.LitServer(
        Classify(api_path="/analyze"), accelerator="cpu", workers_per_device=int(sys.argv[2])
    )
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
