"""`Server-Timing` leaves nothing out between the end of the body and the answer, and adds nothing."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import pytest

from offload_sdk._types import Label
from offload_sdk.wire import parse_server_timing
from server_stub.engine import Inference


@dataclass
class Stepped:
    """A model and its clock: each picture takes 10 ms on it, of which the engine tells as much as it was told."""

    told: tuple[float, float]
    name: str = "stepped"
    signature: None = None
    now_s: float = 100.0
    may_load: threading.Event = field(default_factory=threading.Event)
    gate: threading.Event = field(default_factory=threading.Event)

    def clock(self) -> float:
        return self.now_s

    def load(self) -> Stepped:
        return self

    def engine(self) -> Stepped:
        return self

    def score(self, image: bytes) -> None:
        raise NotImplementedError

    def infer(self, image: bytes, top_k: int) -> Inference:
        self.now_s += 0.010
        label = Label(name="x", probability=1.0, index=0)
        return Inference(labels=(label,), decode_s=self.told[0], infer_s=self.told[1])


@pytest.mark.parametrize("told", [(0.004, 0.006), (0.003, 0.005), (0.0, 0.0)])
def test_what_the_engine_does_not_account_for_was_waiting(start_server, told):
    model = Stepped(told)
    server = start_server(model, clock=model.clock)
    steps_s = parse_server_timing(server.analyze().headers["Server-Timing"])
    assert (steps_s["decode"], steps_s["infer"]) == told
    assert sum(steps_s.values()) == pytest.approx(0.010, abs=1e-6)


def test_an_engine_that_tells_more_than_has_passed_makes_no_negative_wait(start_server):
    model = Stepped((0.02, 0.02))
    server = start_server(model, clock=model.clock)
    assert parse_server_timing(server.analyze().headers["Server-Timing"])["queue"] == 0.0


def test_little_of_what_the_device_sees_is_outside_the_timing(live_server):
    outside_s = []
    for _ in range(20):
        began_s = time.perf_counter()
        response = live_server.analyze()
        passed_s = time.perf_counter() - began_s
        outside_s.append(passed_s - sum(parse_server_timing(response.headers["Server-Timing"]).values()))
    assert min(outside_s) > -0.007  # the fake tells 7 ms that it does not take
    assert min(outside_s) < 0.1  # a new connection, the client, both directions
