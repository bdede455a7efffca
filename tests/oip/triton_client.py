"""Asks a server with Triton's own client, in MLServer's venv; prints what came back as JSON.

Arguments: host:port, the model's name, the path of a JPEG, the path of its pixels as a NumPy file.
"""

from __future__ import annotations

import json
import sys

import numpy as np
from tritonclient.http import InferenceServerClient, InferenceServerException, InferInput, InferRequestedOutput

address, model, photo, pixels_file = sys.argv[1:]
client = InferenceServerClient(address)
metadata = client.get_model_metadata(model)
pixels = np.load(pixels_file)
found = {
    "live": client.is_server_live(),
    "ready": client.is_server_ready() and client.is_model_ready(model),
    "extensions": client.get_server_metadata()["extensions"],
    "input": metadata["inputs"][0],
}


def labels(tensor: InferInput, outputs: list[InferRequestedOutput] | None = None) -> list[str]:
    result = client.infer(model, [tensor], outputs=outputs, request_id="r-1")
    assert result.get_response()["id"] == "r-1"
    names = result.as_numpy("labels")
    probabilities = result.as_numpy("probabilities")
    if probabilities is not None:
        found["shape"] = list(probabilities.shape)
        found["most"] = float(probabilities.max())
    return [name.decode() if isinstance(name, bytes) else name for name in names[0]]


for binary in (True, False):
    tensor = InferInput("input", list(pixels.shape), "UINT8")
    tensor.set_data_from_numpy(pixels, binary_data=binary)
    found[f"pixels, {'raw' if binary else 'json'}"] = labels(
        tensor, [InferRequestedOutput(name, binary_data=binary) for name in ("probabilities", "labels")]
    )
with open(photo, "rb") as stream:
    image = np.array([stream.read()], dtype=object)
tensor = InferInput("input", [1], "BYTES")
tensor.set_data_from_numpy(image)
found["photograph"] = labels(tensor)
wrong = InferInput("input", [1, 2, 2, 3], "UINT8")
wrong.set_data_from_numpy(np.zeros((1, 2, 2, 3), np.uint8))
try:
    client.infer(model, [wrong])
except InferenceServerException as error:
    found["refused"] = [error.status(), error.message()]
print(json.dumps(found))
