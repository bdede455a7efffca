"""Two models for MLServer, which runs this file in its own venv: a real TFLite file, and arithmetic on planes."""

from __future__ import annotations

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class LiteRt(MLModel):
    """The TFLite file of `parameters.uri`, one picture a request."""

    async def load(self) -> bool:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_path=self._settings.parameters.uri, num_threads=1)
        self._interpreter.allocate_tensors()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        (pixels,) = (NumpyCodec.decode_input(entry) for entry in payload.inputs)
        self._interpreter.set_tensor(self._interpreter.get_input_details()[0]["index"], pixels)
        self._interpreter.invoke()
        scores = self._interpreter.get_tensor(self._interpreter.get_output_details()[0]["index"])
        return InferenceResponse(
            id=payload.id,
            model_name=self.name,
            outputs=[NumpyCodec.encode_output("scores", scores.astype(np.float32))],
        )


class Planes(MLModel):
    """Logits of three classes from planes of red, green and blue: which is the brightest."""

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        (planes,) = (NumpyCodec.decode_input(entry) for entry in payload.inputs)
        logits = 20.0 * planes.astype(np.float32).mean(axis=(2, 3))
        return InferenceResponse(
            id=payload.id, model_name=self.name, outputs=[NumpyCodec.encode_output("logits", logits)]
        )
