"""The simulation: queues, the link and the server over virtual time, for one policy. It decides nothing itself."""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.policies.contender import Attempt, AttemptStatus, Contender, Truth, View
from benchmarks.policies.device import Device
from benchmarks.policies.flight import Flight, Upload
from benchmarks.policies.scene import HEADER_BYTES, Draw, Scene
from benchmarks.policies.server import OtherClients, Server
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
        world = scene.world
        self._device = Device(world.contention)
        self._device_done_s = math.inf  # as the last event for it has it
        others = OtherClients((world.server_workers or 0) * world.server_load_frac, world.server_s, scene.seed)
        self._server = Server(world.server_workers, others)
        self._reaching: deque[Upload] = deque()  # have left and are not at the server yet
        self._uplink: deque[Upload] = deque()
        self._sending: Upload | None = None
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
        if self._device.running is not None:  # a duplicate that nobody waits for any more
            self._run.energy_j += self._local_j(self._device.running.draw.local_s)
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

        def truth() -> Truth:
            return self._foresee(draw, now_s)

        least_s = min(truth()[:2]) if self._truth else math.nan
        view = View(
            index=index,
            now_s=now_s,
            size_bytes=draw.size_bytes,
            rtt_s=self._rtt_s(now_s),
            local_waiting=self._device.waiting,
            sending_bytes=self._sending_bytes(),
            truth=truth,
        )
        plan = self._contender.plan(view)
        flight = Flight(index, draw, now_s, plan, least_s)
        self._open += 1
        self._start(flight, plan.first, now_s)
        if plan.second_after_s is not None:
            self._at(now_s + plan.second_after_s, self._second, flight)

    def _start(self, flight: Flight, path: OptionPath, now_s: float) -> None:
        if path == "local":
            if flight.local_since_s is None:
                self._contender.started("local", flight.index, now_s)
                self._device.add(flight, now_s)
                self._await_device()
        elif flight.upload is None:
            self._contender.started("remote", flight.index, now_s)
            size_bytes = flight.draw.size_bytes + HEADER_BYTES
            flight.upload = self._send(
                now_s, size_bytes, flight.draw.server_s, flight.plan.budget_s, flight=flight
            )

    def _second(self, now_s: float, flight: Flight) -> None:
        if not flight.answered:
            self._start(flight, "remote" if flight.plan.first == "local" else "local", now_s)

    def _answer(self, flight: Flight, path: OptionPath, now_s: float) -> None:
        flight.answered = True
        self._open -= 1
        upload = flight.upload
        if path == "local" and upload is not None and not upload.ended:
            if flight.plan.lingers:
                overtaken = _attempt(upload, now_s, "cancelled")
                flight.attempts.insert(-1, overtaken)
                self._contender.learn(overtaken)
            else:
                self._stop(upload, now_s, "cancelled")
        elif path == "remote" and flight.local_since_s is not None and flight.local_began_s is None:
            self._contender.dropped(flight.index, now_s)
        self._run.answers.append(
            Answer(
                index=flight.index,
                started_s=flight.started_s,
                latency_s=now_s - flight.started_s,
                path=path,
                duplicate=upload is not None and flight.local_began_s is not None,
                explored=flight.plan.explored,
                least_s=flight.least_s,
            )
        )
        self._contender.answered(flight.index, flight.attempts, now_s)
        self._plan_probe(now_s)
        following = flight.index + 1
        if self._scene.arrivals == "closed" and following < len(self._scene.images):
            self._at(max(now_s, self._scene.images[following].slot_s), self._arrive, following)

    def _foresee(self, draw: Draw, now_s: float) -> Truth:
        """What each side would take if it started now and nothing were cancelled or begun later."""
        server = self._server.copy()
        for upload in self._reaching:
            server.serve(upload.reaches_s, upload.service_s)
        free_s = now_s
        if self._sending is not None:
            free_s = self._sent_at_s
            self._serve(server, free_s, self._sending.service_s)
        for upload in self._uplink:
            if not upload.ended:
                free_s = self._finish_s(free_s, upload.size_bytes)
                self._serve(server, free_s, upload.service_s)
        begins_s = self._device.forecast_s(0.0, now_s, free_s)
        done_s = self._device.forecast_s(draw.local_s, now_s, free_s)
        if self._cold(now_s):
            free_s = max(free_s, now_s + self._rtt_s(now_s))
        left_s = self._finish_s(free_s, draw.size_bytes + HEADER_BYTES)
        replied_s = self._serve(server, left_s, draw.server_s)
        sent_s = left_s - free_s if left_s < math.inf else math.inf
        return Truth(
            local_s=done_s - now_s,
            remote_s=replied_s - now_s,
            local_j=self._local_j(done_s - begins_s),
            remote_j=self._remote_j(sent_s, max(replied_s - now_s - sent_s, 0.0)),
        )

    def _serve(self, server: Server, left_s: float, service_s: float) -> float:
        """When the answer to a request that has left then will be back."""
        if left_s == math.inf:
            return math.inf
        half_s = 0.5 * self._rtt_s(left_s)
        return server.serve(left_s + half_s, service_s) + half_s

    def _local_j(self, compute_s: float) -> float:
        return local_energy_j(self._profile, 0.0, compute_s) or 0.0

    def _remote_j(self, sent_s: float, wait_s: float) -> float:
        return remote_energy_j(self._profile, 0.0, sent_s, wait_s) or 0.0

    # The device

    def _await_device(self) -> None:
        """See to it that there is an event when the running image will be done, as things stand."""
        device = self._device
        if device.running is not None and device.done_s != self._device_done_s:
            self._device_done_s = device.done_s
            self._at(device.done_s, self._computed, device.running)

    def _computed(self, now_s: float, flight: Flight) -> None:
        if now_s != self._device.done_s or flight is not self._device.running:
            return  # an upload began or ended meanwhile: it is done at another time
        since_s, began_s = flight.local_since_s or 0.0, flight.local_began_s or 0.0
        self._run.energy_j += self._local_j(now_s - began_s)
        attempt = Attempt(
            path="local",
            index=flight.index,
            status="success",
            started_s=since_s,
            latency_s=now_s - since_s,
            wait_s=began_s - since_s,
            compute_s=now_s - began_s,
        )
        self._contender.learn(attempt)
        if not flight.answered:
            flight.attempts.append(attempt)
            self._answer(flight, "local", now_s)
        self._device.next(now_s)
        self._await_device()

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
        flight: Flight | None = None,
        probe: Probe | None = None,
    ) -> Upload:
        connect_s = self._rtt_s(now_s) if self._cold(now_s) else None
        upload = Upload(flight, size_bytes, server_s, now_s, connect_s, probe)
        self._at(now_s + budget_s, self._give_up, upload)
        if connect_s is None:
            self._enter(now_s, upload)
        else:
            self._at(now_s + connect_s, self._enter, upload)
        return upload

    def _enter(self, now_s: float, upload: Upload) -> None:
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
            if self._sent_at_s < math.inf:
                self._at(self._sent_at_s, self._left, upload)
        self._device.set_uploading(self._sending is not None, now_s)
        self._await_device()

    def _left(self, now_s: float, upload: Upload) -> None:
        if upload.ended:
            return  # given up on the way; the link went on with the next one then
        upload.left_s = now_s
        upload.reaches_s = now_s + 0.5 * self._rtt_s(now_s)
        self._sending = None
        self._run.sent_bytes += upload.size_bytes
        self._next_upload(now_s)
        self._reaching.append(upload)
        self._at(upload.reaches_s, self._reached, upload)

    def _reached(self, now_s: float, upload: Upload) -> None:
        """The server works for a request it has, whether or not the device still waits for the answer."""
        self._reaching.remove(upload)
        done_s = self._server.serve(now_s, upload.service_s)
        upload.server_s = done_s - now_s
        back_s = upload.reaches_s - (upload.left_s or 0.0)
        self._at(done_s + back_s, self._replied, upload)

    def _replied(self, now_s: float, upload: Upload) -> None:
        if upload.ended:
            return
        self._warm_until_s = now_s + _IDLE_LIMIT_S
        self._end(upload, now_s, "success")
        flight = upload.flight
        if flight is not None and not flight.answered:
            self._answer(flight, "remote", now_s)

    def _give_up(self, now_s: float, upload: Upload) -> None:
        if upload.ended:
            return
        self._warm_until_s = -math.inf
        self._stop(upload, now_s, "timeout")
        if upload.flight is not None and not upload.flight.answered:
            self._start(upload.flight, "local", now_s)

    def _stop(self, upload: Upload, now_s: float, status: AttemptStatus) -> None:
        if self._sending is upload and upload.sending_s is not None:
            start_s = self._origin_s + upload.sending_s
            self._run.sent_bytes += self._trace.passed_bytes(start_s, self._origin_s + now_s)
            self._sending = None
        self._end(upload, now_s, status)
        self._next_upload(now_s)

    def _end(self, upload: Upload, now_s: float, status: AttemptStatus) -> None:
        upload.ended = True
        sent_s = 0.0
        if upload.sending_s is not None:
            sent_s = (now_s if upload.left_s is None else upload.left_s) - upload.sending_s
        wait_s = now_s - upload.started_s - sent_s
        self._run.energy_j += self._remote_j(sent_s, wait_s)
        flight = upload.flight
        attempt = _attempt(upload, now_s, status)
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
            ping_s, budget_s = self._scene.world.ping_s, probe.limit_s or _PROBE_BUDGET_S
            self._send(now_s, _PING_SENT_BYTES, ping_s, budget_s, probe=probe)
        else:
            server_s = self._scene.images[0].server_s
            self._send(now_s, probe.upload_bytes + HEADER_BYTES, server_s, _PROBE_BUDGET_S, probe=probe)


def _attempt(upload: Upload, now_s: float, status: AttemptStatus) -> Attempt:
    return Attempt(
        path="remote",
        index=None if upload.flight is None else upload.flight.index,
        status=status,
        started_s=upload.started_s,
        latency_s=now_s - upload.started_s,
        sent_bytes=upload.size_bytes,
        compute_s=upload.server_s,
        connect_s=upload.connect_s,
    )


def simulate(scene: Scene, contender: Contender, profile: Profile, *, truth: bool = False) -> Run:
    """Let a policy answer every image of a scene. With `truth` each answer carries `least_s` (slower)."""
    return _Simulation(scene, contender, profile, truth).run()
