"""The Open Inference Protocol (version 2, HTTP) as values, shared by the device and the server.

Pure: no sockets, no NumPy, no model. Tensors travel as JSON or, with the extension `binary_tensor_data`, as raw
little-endian bytes behind the JSON, whose length is then in the header `Inference-Header-Content-Length`.
Sources: `inference_rest.md` of kserve/open-inference-protocol, and `extension_binary_data.md` of
triton-inference-server/server.
"""

from __future__ import annotations

from offload_sdk.wire_open_inference.messages import (
    BINARY_EXTENSION,
    HEADER_LENGTH_HEADER,
    IMAGE_EXTENSION,
    LIVE_PATH,
    READY_PATH,
    SERVER_PATH,
    InferenceAnswer,
    InferenceRequest,
    TensorFacts,
    WantedOutput,
    encode_answer,
    encode_request,
    model_path,
    parse_answer,
    parse_extensions,
    parse_model_inputs,
    parse_request,
)
from offload_sdk.wire_open_inference.tensors import DATATYPES, MOST_TENSORS, Tensor

__all__ = [
    "BINARY_EXTENSION",
    "DATATYPES",
    "HEADER_LENGTH_HEADER",
    "IMAGE_EXTENSION",
    "LIVE_PATH",
    "MOST_TENSORS",
    "READY_PATH",
    "SERVER_PATH",
    "InferenceAnswer",
    "InferenceRequest",
    "Tensor",
    "TensorFacts",
    "WantedOutput",
    "encode_answer",
    "encode_request",
    "model_path",
    "parse_answer",
    "parse_extensions",
    "parse_model_inputs",
    "parse_request",
]
