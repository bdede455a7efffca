"""The simulation: queues, the link and the server over virtual time, for one policy. It decides nothing itself."""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.policies.contender import Attempt, AttemptStatus, Contender, Plan, View
from benchmarks.policies.scene import HEADER_BYTES, Draw, Scene
from offload_sdk._types import OptionPath, Profile
from offload_sdk.estimate import local_energy_j, remote_energy_j
from offload_sdk.measure.probe_schedule import Probe

__all__ = ["Answer", "Run", "simulate"]

_IDLE_LIMIT_S = 55.0
_PROBE_BUDGET_S = 3.0
_PING_SENT_BYTES, _PING_RECEIVED_BYTES = 120, 230
_ANSWER_BYTES = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One image's fate. `least_s` is what the quicker side alone would have taken as things stood on arrival."""

    index: int
    started_s: float
    latency_s: float
    path: OptionPath
    duplicate: bool
    explored: bool
    least_s: float


@dataclass(slots=True)
class Run:
    """What a policy made of a scene. Answers in the order in which they came; bytes are those that left."""

    answers: list[Answer] = field(default_factory=list)
    dropped: int = 0
    sent_bytes: float = 0.0
    probe_bytes: int = 0
    energy_j: float = 0.0


@dataclass(slots=True, eq=False)
class _Flight:
    index: int
    draw: Draw
    started_s: float
    plan: Plan
    least_s: float
    local_since_s: float | None = None
    local_runs: bool = False
    upload: _Upload | None = None
    attempts: list[Attempt] = field(default_factory=list)
    answered: bool = False


@dataclass(slots=True, eq=False)
class _Upload:
    flight: _Flight | None
    size_bytes: int
    server_s: float
    started_s: float
    connect_s: float | None
    probe: Probe | None = None
    sending_s: float | None = None
    left_s: float | None = None
    ended: bool = False


class _Simulation:
    def __init__(self, scene: Scene, contender: Contender, profile: Profile, truth: bool) -> None:
        self._scene = scene
        self._contender = contender
        self._profile = profile
        self._truth = truth
        self._trace = scene.link
        self._origin_s = scene.origin_s
        self._events: list[tuple[float, int, Callable[[float, Any], None], Any]] = []
        self._count = 0
        self._run = Run()
        self._open = 0  # images without an answer
        self._local_queue: deque[_Flight] = deque()
        self._local_running: _Flight | None = None
        self._local_free_s = 0.0
        self._uplink: deque[_Upload] = deque()
        self._sending: _Upload | None = None
        self._sent_at_s = 0.0  # when the sending one will have left
        self._warm_until_s = -math.inf
        self._wake_at_s: float | None = None

    def run(self) -> Run:
        images = self._scene.images
        self._at(images[0].slot_s, self._arrive, 0)
        self._plan_probe(0.0)
        events = self._events
        while events and len(self._run.answers) + self._run.dropped < len(images):
            now_s, _, act, what = heapq.heappop(events)
            act(now_s, what)
        return self._run

    def _at(self, at_s: float, act: Callable[[float, Any], None], what: Any) -> None:
        self._count += 1  # equal times in the order of their making
        heapq.heappush(self._events, (at_s, self._count, act, what))

    def _rtt_s(self, now_s: float) -> float:
        return self._trace.at(self._origin_s + now_s).rtt_s

    def _finish_s(self, start_s: float, size_bytes: float) -> float:
        return self._trace.finish_s(self._origin_s + start_s, size_bytes) - self._origin_s

    # Images

    def _arrive(self, now_s: float, index: int) -> None:
        scene = self._scene
        if scene.arrivals != "closed" and index + 1 < len(scene.images):
            self._at(scene.images[index + 1].slot_s, self._arrive, index + 1)
        if scene.arrivals == "camera" and self._open:
            self._run.dropped += 1
            return
        draw = scene.images[index]

        def truth() -> tuple[float, float]:
            return self._foresee(draw, now_s)

        least_s = min(truth()) if self._truth else math.nan
        view = View(
            index=index,
            now_s=now_s,
            size_bytes=draw.size_bytes,
            rtt_s=self._rtt_s(now_s),
            local_waiting=len(self._local_queue) + (self._local_running is not None),
            sending_bytes=self._sending_bytes(),
            truth=truth,
        )
        plan = self._contender.plan(view)
        flight = _Flight(index, draw, now_s, plan, least_s)
        self._open += 1
        self._start(flight, plan.first, now_s)
        if plan.second_after_s is not None:
            self._at(now_s + plan.second_after_s, self._second, flight)

    def _start(self, flight: _Flight, path: OptionPath, now_s: float) -> None:
        if path == "local":
            if flight.local_since_s is None:
                flight.local_since_s = now_s
                self._local_queue.append(flight)
                self._next_local(now_s)
        elif flight.upload is None:
            size_bytes = flight.draw.size_bytes + HEADER_BYTES
            flight.upload = self._send(
                now_s, size_bytes, flight.draw.server_s, flight.plan.budget_s, flight=flight
            )

    def _second(self, now_s: float, flight: _Flight) -> None:
        if not flight.answered:
            self._start(flight, "remote" if flight.plan.first == "local" else "local", now_s)

    def _answer(self, flight: _Flight, path: OptionPath, now_s: float) -> None:
        flight.answered = True
        self._open -= 1
        upload = flight.upload
        if path == "local" and upload is not None and not upload.ended:
            self._stop(upload, now_s, "cancelled")
        self._run.answers.append(
            Answer(
                index=flight.index,
                started_s=flight.started_s,
                latency_s=now_s - flight.started_s,
                path=path,
                duplicate=upload is not None and flight.local_runs,
                explored=flight.plan.explored,
                least_s=flight.least_s,
            )
        )
        self._contender.answered(flight.index, flight.attempts, now_s)
        self._plan_probe(now_s)
        following = flight.index + 1
        if self._scene.arrivals == "closed" and following < len(self._scene.images):
            self._at(max(now_s, self._scene.images[following].slot_s), self._arrive, following)

    def _foresee(self, draw: Draw, now_s: float) -> tuple[float, float]:
        """Seconds until the answer of each side if it started now and nothing were cancelled later."""
        local_s = max(self._local_free_s, now_s) if self._local_running is not None else now_s
        local_s += sum(flight.draw.local_s for flight in self._local_queue if not flight.answered)
        link_s = now_s if self._sending is None else self._sent_at_s
        for upload in self._uplink:
            if not upload.ended:
                link_s = self._finish_s(link_s, upload.size_bytes)
        if self._cold(now_s):
            link_s = max(link_s, now_s + self._rtt_s(now_s))
        left_s = self._finish_s(link_s, draw.size_bytes + HEADER_BYTES) if math.isfinite(link_s) else math.inf
        remote_s = left_s + self._rtt_s(left_s) + draw.server_s if math.isfinite(left_s) else math.inf
        return local_s + draw.local_s - now_s, remote_s - now_s

    # The device

    def _next_local(self, now_s: float) -> None:
        while self._local_running is None and self._local_queue:
            flight = self._local_queue.popleft()
            if flight.answered:
                continue
            flight.local_runs = True
            self._local_running = flight
            self._local_free_s = now_s + flight.draw.local_s
            self._at(self._local_free_s, self._computed, flight)

    def _computed(self, now_s: float, flight: _Flight) -> None:
        self._local_running = None
        compute_s = flight.draw.local_s
        since_s = now_s if flight.local_since_s is None else flight.local_since_s
        self._run.energy_j += local_energy_j(self._profile, 0.0, compute_s) or 0.0
        attempt = Attempt(
            path="local",
            index=flight.index,
            status="success",
            started_s=since_s,
            latency_s=now_s - since_s,
            wait_s=max(now_s - since_s - compute_s, 0.0),
            compute_s=compute_s,
        )
        self._contender.learn(attempt)
        if not flight.answered:
            flight.attempts.append(attempt)
            self._answer(flight, "local", now_s)
        self._next_local(now_s)

    # The link

    def _cold(self, now_s: float) -> bool:
        return now_s > self._warm_until_s and not self._contender.keeps_warm

    def _sending_bytes(self) -> float:
        waiting = float(sum(upload.size_bytes for upload in self._uplink if not upload.ended))
        return waiting + (self._sending.size_bytes if self._sending is not None else 0.0)

    def _send(
        self,
        now_s: float,
        size_bytes: int,
        server_s: float,
        budget_s: float,
        *,
        flight: _Flight | None = None,
        probe: Probe | None = None,
    ) -> _Upload:
        connect_s = self._rtt_s(now_s) if self._cold(now_s) else None
        upload = _Upload(flight, size_bytes, server_s, now_s, connect_s, probe)
        self._at(now_s + budget_s, self._give_up, upload)
        if connect_s is None:
            self._enter(now_s, upload)
        else:
            self._at(now_s + connect_s, self._enter, upload)
        return upload

    def _enter(self, now_s: float, upload: _Upload) -> None:
        if upload.connect_s is not None:
            self._warm_until_s = now_s + _IDLE_LIMIT_S
        self._uplink.append(upload)
        self._next_upload(now_s)

    def _next_upload(self, now_s: float) -> None:
        while self._sending is None and self._uplink:
            upload = self._uplink.popleft()
            if upload.ended:
                continue
            upload.sending_s = now_s
            self._sending = upload
            self._sent_at_s = self._finish_s(now_s, upload.size_bytes)
            if math.isfinite(self._sent_at_s):
                self._at(self._sent_at_s, self._left, upload)

    def _left(self, now_s: float, upload: _Upload) -> None:
        if upload.ended:
            return  # given up on the way; the link went on with the next one then
        upload.left_s = now_s
        self._sending = None
        self._run.sent_bytes += upload.size_bytes
        self._next_upload(now_s)
        self._at(now_s + self._rtt_s(now_s) + upload.server_s, self._replied, upload)

    def _replied(self, now_s: float, upload: _Upload) -> None:
        if upload.ended:
            return
        self._warm_until_s = now_s + _IDLE_LIMIT_S
        self._end(upload, now_s, "success")
        flight = upload.flight
        if flight is not None and not flight.answered:
            self._answer(flight, "remote", now_s)

    def _give_up(self, now_s: float, upload: _Upload) -> None:
        if upload.ended:
            return
        self._warm_until_s = -math.inf
        self._stop(upload, now_s, "timeout")
        if upload.flight is not None and not upload.flight.answered:
            self._start(upload.flight, "local", now_s)

    def _stop(self, upload: _Upload, now_s: float, status: AttemptStatus) -> None:
        if self._sending is upload and upload.sending_s is not None:
            start_s = self._origin_s + upload.sending_s
            self._run.sent_bytes += self._trace.passed_bytes(start_s, self._origin_s + now_s)
            self._sending = None
        self._end(upload, now_s, status)
        self._next_upload(now_s)

    def _end(self, upload: _Upload, now_s: float, status: AttemptStatus) -> None:
        upload.ended = True
        sent_s = 0.0
        if upload.sending_s is not None:
            sent_s = (now_s if upload.left_s is None else upload.left_s) - upload.sending_s
        wait_s = now_s - upload.started_s - sent_s
        self._run.energy_j += remote_energy_j(self._profile, 0.0, sent_s, wait_s) or 0.0
        flight = upload.flight
        attempt = Attempt(
            path="remote",
            index=None if flight is None else flight.index,
            status=status,
            started_s=upload.started_s,
            latency_s=now_s - upload.started_s,
            sent_bytes=upload.size_bytes,
            compute_s=upload.server_s,
            connect_s=upload.connect_s,
        )
        if upload.probe is not None:
            received = _PING_RECEIVED_BYTES if upload.probe.upload_bytes is None else _ANSWER_BYTES
            spent_bytes = upload.size_bytes + received
            self._run.probe_bytes += spent_bytes
            self._contender.probe_ended(upload.probe, attempt, spent_bytes)
            self._plan_probe(now_s)
            return
        if flight is not None and not flight.answered:
            flight.attempts.append(attempt)
        self._contender.learn(attempt)

    # Probes

    def _plan_probe(self, now_s: float) -> None:
        wake_s = self._contender.wake_s(now_s)
        if wake_s is None or (self._wake_at_s is not None and self._wake_at_s <= wake_s):
            return  # an earlier awakening looks again
        self._wake_at_s = max(wake_s, now_s)
        self._at(self._wake_at_s, self._wake, None)

    def _wake(self, now_s: float, _: None) -> None:
        self._wake_at_s = None
        probe = self._contender.start_probe(now_s)
        if probe is None:
            self._plan_probe(now_s)
        elif probe.upload_bytes is None:
            self._send(now_s, _PING_SENT_BYTES, 0.0, _PROBE_BUDGET_S, probe=probe)
        else:
            server_s = self._scene.images[0].server_s
            self._send(now_s, probe.upload_bytes + HEADER_BYTES, server_s, _PROBE_BUDGET_S, probe=probe)


def simulate(scene: Scene, contender: Contender, profile: Profile, *, truth: bool = False) -> Run:
    """Let a policy answer every image of a scene. With `truth` each answer carries `least_s` (slower)."""
    return _Simulation(scene, contender, profile, truth).run()
