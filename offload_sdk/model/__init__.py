"""Models and pictures: from a name to a classifier, from an image to the pixels it wants. Shared with the server.

Importing this package loads NumPy and Pillow, the runtime only when a `Classifier` is made.
"""

from __future__ import annotations

from offload_sdk.model.catalogue import AUTO, CATALOGUE, CatalogueEntry, model_path, resolve
from offload_sdk.model.classifier import Classifier
from offload_sdk.model.describe import describe_network
from offload_sdk.model.labels import imagenet_names
from offload_sdk.model.network import Network
from offload_sdk.model.payload import payloads_for
from offload_sdk.model.picture import OpenPicture, PictureLimits, open_picture
from offload_sdk.model.redact import load_redact
from offload_sdk.model.runtime import runtime_name
from offload_sdk.model.spec import InputSpec, ModelFile, Normalisation
from offload_sdk.model.task_model import TaskModel, finished

__all__ = [
    "AUTO",
    "CATALOGUE",
    "CatalogueEntry",
    "Classifier",
    "InputSpec",
    "ModelFile",
    "Network",
    "Normalisation",
    "OpenPicture",
    "PictureLimits",
    "TaskModel",
    "describe_network",
    "finished",
    "imagenet_names",
    "load_redact",
    "model_path",
    "open_picture",
    "payloads_for",
    "resolve",
    "runtime_name",
]
