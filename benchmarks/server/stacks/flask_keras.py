"""The prototype's stack: `python flask_keras.py PORT MODEL.keras`. Runs in an environment with TensorFlow.

Flask's own server with its defaults; a picture is stretched to 224 by 224 and goes through `predict`, which is
kept from printing its progress bar.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import keras
import numpy as np
from flask import Flask, jsonify, request
from PIL import Image

app = Flask(__name__)
model = keras.saving.load_model(sys.argv[2])


@app.post("/analyze")
def analyze() -> Any:
    picture = Image.open(request.files["image"].stream).convert("RGB").resize((224, 224))
    pixels = keras.applications.mobilenet_v3.preprocess_input(np.asarray(picture, np.float32)[None])
    probabilities = model.predict(pixels, verbose=0)[0]
    best = np.argsort(probabilities)[::-1][:3]
    return jsonify(
        predictions=[
            {"label": str(index), "probability": float(probabilities[index]), "index": int(index)}
            for index in best
        ]
    )


if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    app.run(host="127.0.0.1", port=int(sys.argv[1]))
