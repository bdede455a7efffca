"""How a picture gets to a replica, and to another one if that is lost. Replicas are scripted; no cluster is up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import ray_kit  # before Ray itself: it sets how Ray starts
from ray.exceptions import ActorDiedError, ActorUnavailableError
from ray.serve.exceptions import BackPressureError

from server_stub.deploy.ray.remote import RemoteEngine
from server_stub.deploy.ray.replica import Refused, Replica
from server_stub.engine import Inference
from server_stub.problems import RequestError

pytestmark = pytest.mark.ray
ANSWER = Inference(labels=(), decode_s=0.1, infer_s=0.2)
DIED = ActorDiedError()


class Replicas:
    """A handle whose calls come to the given answers, one after the other."""

    def __init__(self, answers: Sequence[Any]) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[Any, ...]] = []
        self.timeouts_s: list[float] = []
        self.cancelled = 0

    @property
    def infer(self) -> Replicas:
        return self

    def remote(self, *arguments: Any) -> Replicas:
        self.asked.append(arguments)
        return self

    def result(self, timeout_s: float) -> Any:
        self.timeouts_s.append(timeout_s)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def cancel(self) -> None:
        self.cancelled += 1


def _engine(replicas: Replicas) -> RemoteEngine:
    now_s = [100.0]

    def sleep(time_s: float) -> None:
        now_s[0] += time_s

    return RemoteEngine(replicas, timeout_s=30.0, clock=lambda: now_s[0], sleep=sleep)  # type: ignore[arg-type]


@pytest.mark.parametrize("lost", [DIED, ActorUnavailableError("away", None), BackPressureError(1, 1)])
def test_another_replica_gets_the_picture_of_a_lost_one(lost: Exception) -> None:
    replicas = Replicas([lost, ANSWER])
    assert _engine(replicas).infer(b"picture", 3) == ANSWER
    assert replicas.asked == [(b"picture", 3)] * 2
    assert replicas.timeouts_s[1] < replicas.timeouts_s[0] == 30.0


def test_a_picture_that_ends_replicas_does_not_end_them_all() -> None:
    replicas = Replicas([DIED] * 9)
    with pytest.raises(RequestError) as refused:
        _engine(replicas).infer(b"picture", 3)
    assert (refused.value.status, refused.value.code) == (503, "no_replica")
    assert refused.value.headers["Retry-After"] == "2"
    assert len(replicas.asked) == 4


def test_a_replica_that_does_not_answer_is_given_up() -> None:
    replicas = Replicas([TimeoutError()])
    with pytest.raises(RequestError) as refused:
        _engine(replicas).infer(b"picture", 3)
    assert refused.value.status == 503
    assert replicas.cancelled == 1


def test_what_a_replica_says_of_a_picture_is_not_tried_again() -> None:
    replicas = Replicas([Refused(status=413, code="too_many_pixels", message="send a smaller one")])
    with pytest.raises(RequestError, match="send a smaller one") as refused:
        _engine(replicas).infer(b"picture", 3)
    assert (refused.value.status, refused.value.code) == (413, "too_many_pixels")
    assert len(replicas.asked) == 1


def test_a_replica_returns_what_is_wrong_with_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFLOAD_MODEL", "efficientnet_lite0")
    monkeypatch.setenv("OFFLOAD_SERVER_MAX_PIXELS", "1000")
    replica = Replica()
    assert replica.model().name == "efficientnet_lite0"
    bad, large = replica.infer(b"no picture", 3), replica.infer(ray_kit.picture(64, 64), 3)
    assert isinstance(bad, Refused)
    assert (bad.status, bad.code) == (400, RequestError.invalid_image("").code)
    assert isinstance(large, Refused)
    assert (large.status, large.code) == (413, "too_many_pixels")
