"""A real server on a free loopback port in a thread, with a model of our own making."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import requests
from server_processes import Launch, launcher

from offload_sdk._types import Label
from offload_sdk.errors import InvalidImageError
from server_stub.app import create_app
from server_stub.engine import Clock, Inference, Scores, Signature
from server_stub.pool import Pool
from server_stub.run import Server, listen
from server_stub.settings import ServerSettings

LABELS = tuple(Label(name=f"class {index}", probability=0.5 / (index + 1), index=index) for index in range(10))
SIGNATURE = Signature(width=4, height=2, datatype="float32", labels=tuple(label.name for label in LABELS))


@dataclass
class FakeModel:
    """A source of engines that the test steers.

    An engine answers with the labels; `b"bad"` is no image, `b"crash"` a bug, `b"wait"` runs until `gate` is
    set. `entered` counts the runs that have begun, `seen` the images; loading lasts until `may_load` is set.
    """

    name: str = "fake"
    signature: Signature = SIGNATURE
    may_load: threading.Event = field(default_factory=threading.Event)
    gate: threading.Event = field(default_factory=threading.Event)
    entered: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    seen: list[bytes] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)
    scored: list[Any] = field(default_factory=list)

    def load(self) -> FakeModel:
        assert self.may_load.wait(30)
        return self

    def engine(self) -> FakeModel:
        return self

    def infer(self, image: bytes, top_k: int) -> Inference:
        self.seen.append(image)
        self.threads.add(threading.current_thread().name)
        self.entered.release()
        if image == b"bad":
            raise InvalidImageError("The data is not an image.")
        if image == b"crash":
            raise RuntimeError("secret detail of /some/path")
        if image.startswith(b"wait"):
            assert self.gate.wait(30)
        return Inference(labels=LABELS[:top_k], decode_s=0.002, infer_s=0.005)

    def score(self, image: Any) -> Scores:
        """An encoded image is of the first class; a tensor is of the class that its first value names."""
        self.scored.append(image)
        self.infer(image if isinstance(image, bytes) else b"tensor", 1)
        probabilities = np.full(len(LABELS), 0.01, np.float32)
        probabilities[0 if isinstance(image, bytes) else int(image.flat[0])] = 0.91
        return Scores(probabilities=probabilities, decode_s=0.002, infer_s=0.005)


@dataclass
class LiveServer:
    url: str
    host: str
    port: int
    model: FakeModel
    pool: Pool

    def analyze(self, image: bytes = b"picture", **options: object) -> requests.Response:
        return requests.post(f"{self.url}/analyze", files={"image": image}, timeout=30, **options)  # type: ignore[arg-type]

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the server's state is as told; a server that never gets there fails the test."""
        end_s = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < end_s
            time.sleep(0.005)


@contextlib.contextmanager
def running(
    settings: ServerSettings, model: FakeModel, *, load: bool = True, clock: Clock = time.monotonic
) -> Iterator[LiveServer]:
    listener = listen(settings)
    host, port = listener.getsockname()[:2]
    app = create_app(settings, model.load, clock=clock)
    server = Server(app, settings)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    live = LiveServer(f"http://{host}:{port}", host, port, model, app.state.pool)
    try:
        if load:
            model.may_load.set()
            live.until(lambda: live.pool.state == "ready")
        yield live
    finally:
        model.may_load.set()
        model.gate.set()
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


Starter = Callable[..., LiveServer]


@pytest.fixture
def start_server() -> Iterator[Starter]:
    """Starts servers with settings of the test's own; they stop with the test."""
    with contextlib.ExitStack() as stack:

        def start(
            model: Any = None, *, load: bool = True, clock: Clock = time.monotonic, **settings: object
        ) -> LiveServer:
            chosen = {"port": 0, "workers": 2, "queue_bound": 4, "drain_s": 2.0, **settings}
            options = ServerSettings(**chosen)  # type: ignore[arg-type]
            return stack.enter_context(running(options, model or FakeModel(), load=load, clock=clock))

        yield start


@pytest.fixture(scope="module")
def _module_server() -> Iterator[LiveServer]:
    with running(ServerSettings(port=0, workers=2, queue_bound=4, drain_s=2.0), FakeModel()) as server:
        yield server


@pytest.fixture
def live_server(_module_server: LiveServer) -> LiveServer:
    """A server with a loaded model, two workers and a queue of four, idle, and with nothing seen yet."""
    server = _module_server
    server.model.gate.set()
    server.until(lambda: not server.pool._running and not server.pool._waiting)
    server.model.gate.clear()
    server.model.seen.clear()
    return server


@pytest.fixture
def error_code() -> Callable[[requests.Response], str]:
    """Gives the code of an error; fails unless the body has exactly the contract's shape."""

    def code(response: requests.Response) -> str:
        document = response.json()
        assert set(document) == {"error"}
        assert set(document["error"]) == {"code", "message"}
        assert document["error"]["message"]
        assert response.headers["Offload-Request-Id"]
        return str(document["error"]["code"])

    return code


@pytest.fixture
def launch() -> Iterator[Launch]:
    """Starts servers in processes of their own; see `steered_server`."""
    with launcher() as start:
        yield start
