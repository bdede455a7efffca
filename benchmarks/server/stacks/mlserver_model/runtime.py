"""The same work behind MLServer, as a custom runtime. Runs in MLServer's own environment."""

from __future__ import annotations

import json

from mlserver import MLModel
from mlserver.codecs import Base64Codec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse

from benchmarks.server.stacks.work import Work


class Classify(MLModel):
    """One picture in base64 in, the predictions as one JSON text out."""

    async def load(self) -> bool:
        self._work = Work.from_environment()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        jpeg = Base64Codec.decode_input(payload.inputs[0])[0]
        answer = json.dumps(self._work.predictions(jpeg))
        return InferenceResponse(
            model_name=self.name, outputs=[StringCodec.encode_output("predictions", [answer])]
        )
