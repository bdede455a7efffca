"""A real MLServer with two models, and our own server, each on free loopback ports."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from offload_sdk.model import resolve
from server_stub.app import create_app
from server_stub.model_engine import model_loader
from server_stub.run import Server, listen
from server_stub.settings import ServerSettings

_HERE = Path(__file__).resolve().parent
_VENV = _HERE.parent.parent / ".venv-mlserver"
_START_S = 120.0
MODEL = "efficientnet_lite0"


@pytest.fixture(scope="session")
def mlserver_venv() -> Path:
    """The folder of the programs of the venv in which MLServer is installed."""
    programs = _VENV / "bin"
    if not (programs / "mlserver").exists():
        reason = "MLServer is not installed; run `make .venv-mlserver/.installed` (Python 3.10 to 3.12)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return programs


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    resolve(MODEL, folder)
    return folder


@pytest.fixture(scope="session")
def mlserver(mlserver_venv: Path, models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an MLServer with the models `efficientnet_lite0` and `planes`."""
    folder = tmp_path_factory.mktemp("mlserver")
    shutil.copy(_HERE / "mlserver" / "runtimes.py", folder)
    http, grpc, metrics = _free_ports(3)
    settings = {
        "host": "127.0.0.1",
        "http_port": http,
        "grpc_port": grpc,
        "metrics_port": metrics,
        "parallel_workers": 0,
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    _describe(folder, MODEL, "runtimes.LiteRt", "UINT8", [-1, 224, 224, 3], str(models_dir / f"{MODEL}.tflite"))
    _describe(folder, "planes", "runtimes.Planes", "FP32", [-1, 3, 224, 224], None)
    log = (folder / "log.txt").open("wb")
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [str(mlserver_venv / "mlserver"), "start", str(folder)]
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        url = f"http://127.0.0.1:{http}"
        end_s = time.monotonic() + _START_S
        while not _ready(url):
            if process.poll() is not None or time.monotonic() > end_s:
                pytest.fail(f"MLServer did not start: {(folder / 'log.txt').read_text()[-2000:]}")
            time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()


@pytest.fixture(scope="session")
def our_server(models_dir: Path) -> Iterator[str]:
    """The address of our own server with the model `efficientnet_lite0`."""
    settings = ServerSettings(port=0, workers=1, model=MODEL, models_dir=models_dir)
    listener = listen(settings)
    app = create_app(settings, model_loader(settings))
    server = Server(app, settings)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    end_s = time.monotonic() + 30
    while app.state.pool.state != "ready":
        assert time.monotonic() < end_s
        time.sleep(0.01)
    yield url
    server.should_exit = True
    thread.join(20)
    assert not thread.is_alive()


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for bound in sockets:
            bound.bind(("127.0.0.1", 0))
        return [bound.getsockname()[1] for bound in sockets]


def _describe(folder: Path, name: str, runtime: str, datatype: str, shape: list[int], uri: str | None) -> None:
    (folder / name).mkdir()
    settings = {
        "name": name,
        "implementation": runtime,
        "inputs": [{"name": "pixels", "datatype": datatype, "shape": shape}],
        "parameters": {"version": "v1", **({} if uri is None else {"uri": uri})},
    }
    (folder / name / "model-settings.json").write_text(json.dumps(settings))


def _ready(url: str) -> bool:
    try:
        return all(
            requests.get(f"{url}/v2{path}", timeout=5).status_code == 200
            for path in ("/health/ready", f"/models/{MODEL}/ready", "/models/planes/ready")
        )
    except requests.ConnectionError:
        return False
