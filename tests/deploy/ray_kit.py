"""A Ray cluster of two nodes on the loopback, with the application on it. Nothing is sent elsewhere."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

# Ray reads these when it is imported. The first makes it use 127.0.0.1 and nothing else.
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

if os.environ.get("CI") != "true":
    pytest.importorskip("ray.serve", reason="needs the extra ray", exc_type=ImportError)

import ray
from ray import serve
from ray.cluster_utils import Cluster

from server_stub.deploy.ray.application import RayOptions, build
from server_stub.run import listen
from server_stub.settings import ServerSettings

PATIENCE_S = 120.0
_NODE = {"node_ip_address": "127.0.0.1", "object_store_memory": 80 * 2**20}


def picture(width: int, height: int) -> bytes:
    from PIL import Image
    from skimage import data

    stream = io.BytesIO()
    Image.fromarray(data.chelsea()).resize((width, height)).save(stream, "JPEG")
    return stream.getvalue()


def until(condition: Callable[[], bool]) -> None:
    """Wait for what must come to pass; the bound is only there so that a test cannot hang."""
    end_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.1)


@dataclass(kw_only=True)
class RayServer:
    """The application, with one replica beside its ingress on the head node."""

    url: str
    cluster: Cluster

    def analyze(self, image: bytes, **headers: str) -> requests.Response:
        named = {f"Offload-{name.capitalize()}": value for name, value in headers.items()}
        return requests.post(f"{self.url}/analyze", files={"image": image}, headers=named, timeout=PATIENCE_S)

    def replicas(self) -> int:
        states = serve.status().applications["default"].deployments["Engines"].replica_states
        return sum(count for state, count in states.items() if state == "RUNNING")

    def add_node(self, cpus: int) -> Any:
        return self.cluster.add_node(num_cpus=cpus, **_NODE)

    def kill(self, node: Any) -> None:
        """End the node's processes as a power cut does."""
        self.cluster.remove_node(node, allow_graceful=False)


@contextlib.contextmanager
def ray_server(home: str, options: RayOptions) -> Iterator[RayServer]:
    with listen(ServerSettings(port=0)) as probe:
        port = probe.getsockname()[1]
    folder = tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True)  # sockets bear no long path
    with folder as temp_dir, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OFFLOAD_HOME", home)
        patch.setenv("OFFLOAD_MODEL", "efficientnet_lite0")
        patch.setenv("RAY_SERVE_HANDLE_AUTOSCALING_METRIC_PUSH_INTERVAL_S", "0.5")
        head = {"num_cpus": 1, "include_dashboard": False, "temp_dir": temp_dir, **_NODE}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        try:
            ray.init(address=cluster.address, log_to_driver=False)
            serve.start(proxy_location="HeadOnly", http_options={"host": "127.0.0.1", "port": port})
            serve.run(build(options), route_prefix="/")
            server = RayServer(url=f"http://127.0.0.1:{port}", cluster=cluster)
            until(lambda: requests.get(server.url, timeout=PATIENCE_S).status_code == 200)
            yield server
        finally:
            serve.shutdown()
            ray.shutdown()
            cluster.shutdown()


@dataclass(kw_only=True)
class Load:
    """Clients that send one picture after the other, as long as the load is on. An answer is its status, with the
    body if that is not 200."""

    server: RayServer
    image: bytes
    clients: int
    answers: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Load:
        self._threads = [threading.Thread(target=self._send) for _ in range(self.clients)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive()

    def until_more(self, answers: int) -> None:
        """Wait for so many further answers."""
        enough = len(self.answers) + answers
        until(lambda: len(self.answers) >= enough)

    def _send(self) -> None:
        while not self._over.is_set():
            answer = self.server.analyze(self.image)
            self.answers.append("200" if answer.status_code == 200 else f"{answer.status_code} {answer.text}")
