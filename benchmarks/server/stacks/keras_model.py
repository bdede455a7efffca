"""Makes `mobilenet_v3_large_keras` for Keras and for TFLite: `python keras_model.py FOLDER JPEG…`.

Runs in an environment with TensorFlow. The weights are random, as the trained ones cannot be had from a package
index: they decide what is answered, not how long it takes. The statistics of the batch norms are those of the
pictures, as in a trained network; with the ones it starts with, the activations fade until the processor
handles denormal numbers, three times as slowly.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

NAME = "mobilenet_v3_large_keras"


def main() -> None:
    folder = Path(sys.argv[1])
    keras.utils.set_random_seed(1)
    model = keras.applications.MobileNetV3Large(weights=None, input_shape=(224, 224, 3))
    pictures = [Image.open(path).convert("RGB").resize((224, 224)) for path in sys.argv[2:]]
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0  # the moving statistics become those of the one batch
    model(np.stack([np.asarray(picture, np.float32) for picture in pictures]), training=True)
    model.save(folder / f"{NAME}.keras")
    # The network begins with the scaling from raw pixels, so the server has none to do.
    (folder / f"{NAME}.json").write_text(json.dumps({"mean": 0, "std": 1}))
    unfinished = folder / f"{NAME}.part"
    unfinished.write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    unfinished.rename(folder / f"{NAME}.tflite")  # its presence says that all of them are there


if __name__ == "__main__":
    main()
