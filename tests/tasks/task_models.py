"""Tiny detectors and segmenters, to which bright places are things; and servers for them. Asserts nothing."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from offload_sdk.model.tflite_writer import Activation, GraphWriter, Operator, Padding, TensorType
from offload_sdk.tasks import CentreAnchors, ObjectDetection, Segmentation

SIDE_PX, CELL_PX = 64, 16
DETECTION = ObjectDetection(
    names=("lamp",), fit="pad", anchors=CentreAnchors(input_px=SIDE_PX, strides=(CELL_PX,), per_cell=(1,))
)
SEGMENTATION = Segmentation(names=("light",))
DETECTOR_SIDE = {
    "task": "detection",
    "labels": ["lamp"],
    "fit": "pad",
    "mean": 0,
    "std": 255,
    "anchors": {"input_px": SIDE_PX, "strides": [CELL_PX], "per_cell": [1]},
}
SEGMENTER_SIDE = {"task": "segmentation", "labels": ["light"], "mean": 0, "std": 255}


def bright_cells() -> bytes:
    """Raw boxes (1, 4, 4, 4), each its whole cell, and logits (1, 4, 4, 1) from -10 for black to 10 for white."""
    graph = GraphWriter("test")
    image = graph.tensor("image", (1, SIDE_PX, SIDE_PX, 3))
    boxes = _cells(graph, image, "boxes", np.zeros((4, CELL_PX, CELL_PX, 3)), [0, 0, CELL_PX, CELL_PX])
    weights = np.full((1, CELL_PX, CELL_PX, 3), 20.0 / (CELL_PX * CELL_PX * 3))
    return graph.write(image, (boxes, _cells(graph, image, "logits", weights, [-10.0])))


def brightness(height: int = 32, width: int = 32) -> bytes:
    """The brightness of each place, (1, height, width, 1), 0 to 1."""
    graph = GraphWriter("test")
    image = graph.tensor("image", (1, height, width, 3))
    output = graph.tensor("light", (1, height, width, 1))
    weights, bias = np.full((1, 1, 1, 3), 1.0 / 3.0), graph.constant("bias", np.zeros(1))
    graph.convolution(
        Operator.CONV_2D,
        (image, graph.constant("weights", weights), bias),
        output,
        stride=1,
        activation=Activation.NONE,
    )
    return graph.write(image, output)


def sum_of_two() -> bytes:
    """Inputs `a` (1, 3) float and `b` (1, 3) quantised, real = 0.5 · (stored - 2); outputs `sum` and `real`."""
    graph = GraphWriter("test")
    a = graph.tensor("a", (1, 3))
    b = graph.tensor("b", (1, 3), TensorType.UINT8, scale=0.5, zero_point=2)
    real, total = graph.tensor("real", (1, 3)), graph.tensor("sum", (1, 3))
    graph.dequantize(b, real)
    graph.add(a, real, total)
    return graph.write((a, b), (total, real))


def _cells(graph: GraphWriter, image: int, name: str, weights: Any, bias: list[float]) -> int:
    cells = SIDE_PX // CELL_PX
    output = graph.tensor(name, (1, cells, cells, len(bias)))
    graph.convolution(
        Operator.CONV_2D,
        (image, graph.constant(f"{name} weights", weights), graph.constant(f"{name} bias", np.array(bias))),
        output,
        stride=CELL_PX,
        activation=Activation.NONE,
        padding=Padding.VALID,
    )
    return output


def store(folder: Path, name: str, content: bytes, side: dict[str, Any] | None) -> Path:
    path = folder / f"{name}.tflite"
    path.write_bytes(content)
    if side is not None:
        path.with_suffix(".json").write_text(json.dumps(side))
    return path


def lamp(width: int = 128, height: int = 64) -> npt.NDArray[np.uint8]:
    """A dark room with one light, x from 0.75 to 1 and y from 0.5 to 1: if the picture is twice as wide as high,
    that is a cell of the padded input."""
    pixels = np.full((height, width, 3), 20, np.uint8)
    pixels[height // 2 :, 3 * width // 4 :] = 255
    return pixels


@contextlib.contextmanager
def serving(path: Path, **options: Any) -> Iterator[str]:
    """Our server with this model, in a thread. Gives its address."""
    from server_stub.app import create_app  # here, as a weak device runs other tests without the server
    from server_stub.model_engine import model_loader
    from server_stub.run import Server, listen
    from server_stub.settings import ServerSettings

    settings = ServerSettings(port=0, workers=1, model=str(path), **options)
    ready = threading.Event()
    app = create_app(settings, model_loader(settings), on_state=lambda state: ready.set())
    with contextlib.closing(listen(settings)) as listener:
        host, port = listener.getsockname()[:2]
        server = Server(app, settings)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            assert ready.wait(60)
            assert app.state.pool.error is None, app.state.pool.error
            yield f"http://{host}:{port}"
        finally:
            server.should_exit = True
            thread.join(20)


class Says:
    """A server that is well and answers every picture with the same body."""

    def __init__(self, body: bytes) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer(b'{"status": "ok"}')

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self._answer(body)

            def _answer(self, content: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Says:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(20)
