"""The servers that are compared, each started as its own documentation recommends for that many cores."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.server.stack import Stack, Unavailable
from offload_sdk.wire import ANALYZE_PATH, RequestContext, encode_image, request_headers

__all__ = ["flask_keras", "form", "keras_models", "litserve", "mlserver", "ours"]

_FOLDER = Path(__file__).parent
_ROOT = _FOLDER.parents[2]
_MLSERVER_MODEL = "classifier"
_KERAS_VENV = ".venv-keras"
_NOTHING_TOLD = RequestContext()


def ours(model: str, home: Path, payloads: Sequence[bytes], cores: int, *options: str) -> Stack:
    """This project's server: one interpreter a core. `options` are more of its command line."""
    return Stack(
        name="offload-sdk",
        model=_stem(model),
        command=(
            *(sys.executable, "-m", "server_stub"),
            *("--port", "{port}", "--model", model, "--workers", str(cores)),
            *options,
        ),
        environment={"PYTHONPATH": str(_ROOT), "OFFLOAD_HOME": str(home)},
        requests=_forms(payloads),
        top_index=_first_prediction,
        versions=("uvicorn", "fastapi", "ai-edge-litert"),
    )


def litserve(model: str, home: Path, payloads: Sequence[bytes], cores: int) -> Stack:
    """LitServe: one worker process and, its default, one API process a core. The model's batch is fixed at one."""
    return Stack(
        name="LitServe",
        model=_stem(model),
        command=(
            *(_program(".venv-litserve", "python"), str(_FOLDER / "litserve_app.py")),
            *("{port}", str(cores)),
        ),
        environment=_work(model, home),
        requests=_forms(payloads),
        top_index=_first_prediction,
        versions=("litserve", "uvicorn", "fastapi", "ai-edge-litert"),
    )


def mlserver(model: str, home: Path, payloads: Sequence[bytes], cores: int) -> Stack:
    """MLServer: one inference worker a core. Its protocol carries a picture as base64 in JSON."""
    documents = [
        {
            "inputs": [
                {
                    "name": "image",
                    "shape": [1, 1],
                    "datatype": "BYTES",
                    "parameters": {"content_type": "base64"},
                    "data": [base64.b64encode(payload).decode("ascii")],
                }
            ]
        }
        for payload in payloads
    ]
    return Stack(
        name="MLServer",
        model=_stem(model),
        command=(_program(".venv-mlserver", "mlserver"), "start", str(_FOLDER / "mlserver_model")),
        environment={
            **_work(model, home),
            "PYTHONPATH": f"{_ROOT}:{_FOLDER / 'mlserver_model'}",
            "MLSERVER_HOST": "127.0.0.1",
            "MLSERVER_HTTP_PORT": "{port}",
            "MLSERVER_GRPC_PORT": "0",
            "MLSERVER_METRICS_PORT": "0",
            "MLSERVER_PARALLEL_WORKERS": str(cores),
        },
        requests=tuple(
            _request(
                f"/v2/models/{_MLSERVER_MODEL}/infer", "application/json", json.dumps(document).encode("ascii")
            )
            for document in documents
        ),
        top_index=lambda body: int(json.loads(json.loads(body)["outputs"][0]["data"][0])[0]["index"]),
        versions=("mlserver", "uvicorn", "fastapi", "ai-edge-litert"),
    )


def flask_keras(keras_model: Path, payloads: Sequence[bytes]) -> Stack:
    """The prototype's stack: Flask's own server, a thread a connection, and Keras `predict`."""
    return Stack(
        name="Flask + Keras",
        model=keras_model.stem,
        command=(_program(_KERAS_VENV, "python"), str(_FOLDER / "flask_keras.py"), "{port}", str(keras_model)),
        environment={"TF_CPP_MIN_LOG_LEVEL": "3"},
        requests=_forms(payloads),
        top_index=_first_prediction,
        versions=("flask", "werkzeug", "keras", "tensorflow-cpu"),
    )


def keras_models(home: Path, payloads: Sequence[bytes]) -> tuple[Path, Path]:
    """The prototype's network as Keras and as TFLite read it, made in `home` once. Raises: Unavailable."""
    keras, tflite = (home / f"mobilenet_v3_large_keras.{kind}" for kind in ("keras", "tflite"))
    if not tflite.exists():
        python = _program(_KERAS_VENV, "python")
        if not Path(python).exists():
            raise Unavailable(f"not installed: {_KERAS_VENV}")
        pictures = [home / f"picture-{number}.jpg" for number in range(len(payloads))]
        for path, payload in zip(pictures, payloads, strict=True):
            path.write_bytes(payload)
        made = subprocess.run(
            [python, _FOLDER / "keras_model.py", home, *pictures], capture_output=True, text=True, check=False
        )
        if made.returncode:
            raise Unavailable(f"its model cannot be made: {made.stderr.strip().splitlines()[-1]}")
    return keras, tflite


def _forms(payloads: Sequence[bytes]) -> tuple[bytes, ...]:
    return tuple(form(payload) for payload in payloads)


def form(payload: bytes, context: RequestContext = _NOTHING_TOLD) -> bytes:
    """The request in which a device uploads a picture; `context` is what it tells of itself."""
    content_type, body = encode_image(payload, "image/jpeg", boundary="0123456789abcdef" * 2)
    return _request(ANALYZE_PATH, content_type, body, request_headers(context))


def _request(path: str, content_type: str, body: bytes, more: Mapping[str, str] | None = None) -> bytes:
    headers = {"Host": "127.0.0.1", "Content-Type": content_type, "Content-Length": str(len(body)), **(more or {})}
    lines = (f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "\r\n")
    return "\r\n".join(lines).encode("ascii") + body


def _first_prediction(body: bytes) -> int:
    return int(json.loads(body)["predictions"][0]["index"])


def _work(model: str, home: Path) -> Mapping[str, str]:
    return {"PYTHONPATH": str(_ROOT), "BENCH_MODEL": model, "BENCH_MODELS": str(home / "models")}


def _stem(model: str) -> str:
    return Path(model).stem


def _program(venv: str, name: str) -> str:
    return str(_ROOT / venv / "bin" / name)
