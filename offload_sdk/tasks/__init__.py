"""Tasks beside classification: what the outputs of a detector or a segmenter mean. Shared with the server.

A task of your own needs no more than the methods of `offload_sdk.typing.Task`.
"""

from __future__ import annotations

from offload_sdk.tasks.anchors import CentreAnchors
from offload_sdk.tasks.described import read_task, task_name
from offload_sdk.tasks.detection import Detection, ObjectDetection
from offload_sdk.tasks.segmentation import Mask, Segmentation

__all__ = [
    "CentreAnchors",
    "Detection",
    "Mask",
    "ObjectDetection",
    "Segmentation",
    "read_task",
    "task_name",
]
