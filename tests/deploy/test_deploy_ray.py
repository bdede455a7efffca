"""The Ray application on a real cluster of two nodes: contract, growth, the loss of a node, and who is next."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from ray_kit import Load, RayServer, picture, ray_server, until

from offload_sdk.model import resolve
from server_stub.deploy.ray.application import RayOptions

pytestmark = [pytest.mark.ray, pytest.mark.slow]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayServer]:
    home: Path = tmp_path_factory.mktemp("ray")
    resolve("efficientnet_lite0", home / "models")
    options = RayOptions(min_replicas=1, max_replicas=3, ingress_cpus=0, upscale_delay_s=0.5)
    with ray_server(str(home), options) as running:
        yield running


@pytest.fixture(scope="module")
def photo() -> bytes:
    return picture(256, 256)


def test_it_keeps_the_contract(server: RayServer, photo: bytes) -> None:
    answer = server.analyze(photo)
    assert answer.status_code == 200
    assert answer.json()["predictions"][0]["index"] in (281, 282, 285)  # tabby, tiger cat, Egyptian cat
    assert "infer;dur=" in answer.headers["Server-Timing"]
    bad = server.analyze(b"no picture")
    assert (bad.status_code, bad.json()["error"]["code"]) == (400, "invalid_image")
    late = server.analyze(photo, deadline="0")
    assert (late.status_code, late.json()["error"]["code"]) == (504, "deadline_exceeded")


def test_it_grows_under_load_and_loses_nothing_with_a_node(server: RayServer, photo: bytes) -> None:
    node = server.add_node(cpus=2)
    # Four keep three replicas busy, and with one replica left they are too few to be refused as overload.
    with Load(server=server, image=photo, clients=4) as load:
        until(lambda: server.replicas() == 3)  # one on the head node, two on the new one
        load.until_more(50)
        server.kill(node)
        load.until_more(50)
        until(lambda: server.replicas() == 1)
        load.until_more(20)
    assert set(load.answers) == {"200"}


def test_urgent_requests_overtake_those_that_wait(server: RayServer, photo: bytes) -> None:
    until(lambda: server.replicas() == 1)
    large = picture(6000, 3900)  # takes long to decode, so that a queue forms
    order: list[str] = []

    def send(kind: str, image: bytes, **headers: str) -> None:
        status = server.analyze(image, **headers).status_code
        order.append(kind if status == 200 else f"{kind} {status}")

    patient = {"deadline": "100", "battery": "0.9", "signal": "-50"}
    urgent = {"deadline": "60", "battery": "0.1", "signal": "-85"}
    threads = [threading.Thread(target=send, args=("patient", large), kwargs=patient) for _ in range(16)]
    for thread in threads:
        thread.start()
    until(lambda: len(order) >= 2)
    later = [threading.Thread(target=send, args=("urgent", photo), kwargs=urgent) for _ in range(3)]
    for thread in later:
        thread.start()
    for thread in [*threads, *later]:
        thread.join(100)
    # A queue that stands is shortened, and then it is one of the patient that must go.
    assert set(order) <= {"patient", "patient 503", "urgent"}
    served = [kind for kind in order if not kind.endswith("503")]
    assert served.count("urgent") == 3
    assert "urgent" not in served[-4:]  # first come, first served would have them last
