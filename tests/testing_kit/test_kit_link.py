"""The link emulator over real sockets: rate, delay, sharing, and the switches that change them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from offload_sdk.errors import ConfigurationError
from offload_sdk.testing import FakeClock, LinkEmulator, LinkSample, LinkTrace

Connect = Callable[[tuple[str, int]], socket.socket]
WaitUntil = Callable[[Callable[[], bool]], None]


class Answerer:
    """Answers one byte whenever another `size_bytes` have come to a peer of the byte server."""

    def __init__(self, peer: Any, size_bytes: int, wait_until: WaitUntil) -> None:
        self.took_s = 0.0
        self._wanted = len(peer.received) + size_bytes

        def answer() -> None:
            wait_until(lambda: len(peer.received) >= self._wanted)
            peer.send(b"!")

        self._thread = threading.Thread(target=answer, daemon=True)
        self._thread.start()

    def join(self) -> None:
        self._thread.join()


def _upload_s(connection: socket.socket, peer: Any, size_bytes: int, wait_until: WaitUntil) -> float:
    """Seconds from sending to the answer, which comes when the server has everything."""
    answerer = Answerer(peer, size_bytes, wait_until)
    started_s = time.monotonic()
    connection.sendall(bytes(size_bytes))
    assert connection.recv(1) == b"!"
    took_s = time.monotonic() - started_s
    answerer.join()
    return took_s


@pytest.mark.parametrize(
    ("mbps", "rtt_ms", "size_bytes"), [(10.0, 40.0, 107_000), (2.0, 5.0, 15_000), (50.0, 120.0, 600_000)]
)
def test_rate_and_delay_are_in_force(
    byte_server: Any, connect: Connect, wait_until: WaitUntil, mbps: float, rtt_ms: float, size_bytes: int
) -> None:
    ideal_s = size_bytes * 8e-6 / mbps + rtt_ms / 1e3
    with LinkEmulator(byte_server.address, uplink_mbps=mbps, rtt_ms=rtt_ms) as link:
        started_s = time.monotonic()
        connection = connect((link.host, link.port))
        peer = byte_server.peer()
        _upload_s(connection, peer, size_bytes, wait_until)
        assert time.monotonic() - started_s >= 0.98 * (ideal_s + rtt_ms / 1e3)  # and one round trip to connect
        warm_s = [_upload_s(connection, peer, size_bytes, wait_until) for _ in range(4)]
        assert min(warm_s) >= 0.98 * ideal_s
        assert min(warm_s) <= 1.25 * ideal_s  # the best of four: others may use this machine


def test_the_answer_travels_at_the_downlink_rate(byte_server: Any, connect: Connect) -> None:
    with LinkEmulator(byte_server.address, uplink_mbps=1.0, downlink_ratio=8.0) as link:
        connection = connect((link.host, link.port))
        connection.sendall(b"?")
        peer = byte_server.peer()
        started_s = time.monotonic()
        peer.send(bytes(100_000))
        left = 100_000
        while left:
            left -= len(connection.recv(65536))
        assert 0.098 <= time.monotonic() - started_s < 0.8  # 0.8 s at the rate of the uplink
        assert (link.bytes_up, link.bytes_down, link.connections) == (1, 100_000, 1)


def test_parallel_uploads_share_the_rate(byte_server: Any, connect: Connect, wait_until: WaitUntil) -> None:
    with LinkEmulator(byte_server.address, uplink_mbps=0.0) as link:
        connections = [connect((link.host, link.port)) for _ in range(2)]
        peers = [byte_server.peer(number) for number in range(2)]
        for connection in connections:
            connection.sendall(bytes(60_000))
        time.sleep(0.1)
        started_s = time.monotonic()
        link.override(uplink_mbps=2.0)
        wait_until(lambda: sum(len(peer.received) for peer in peers) >= 60_000)
        assert min(len(peer.received) for peer in peers) > 20_000  # one after the other it would be 0
        wait_until(lambda: all(len(peer.received) == 60_000 for peer in peers))
        assert time.monotonic() - started_s >= 0.47  # 0.24 s if each had the rate to itself


def test_a_big_upload_is_held_back(byte_server: Any, connect: Connect) -> None:
    with LinkEmulator(byte_server.address, uplink_mbps=0.0) as link:
        connection = connect((link.host, link.port))
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.sendall(bytes(20_000_000))


def test_on_a_fake_clock_bytes_move_only_as_it_advances(
    byte_server: Any, connect: Connect, wait_until: WaitUntil
) -> None:
    clock = FakeClock(1000.0)
    with LinkEmulator(byte_server.address, uplink_mbps=8.0, rtt_ms=2000.0, clock=clock) as link:
        connection = connect((link.host, link.port))
        connection.sendall(bytes(50_000))
        peer = byte_server.peer()
        time.sleep(0.1)
        assert not peer.received
        clock.advance(2.0)  # connected; 0.05 s on the link, then 1 s under way
        time.sleep(0.1)
        assert not peer.received
        clock.advance(1.04)
        wait_until(lambda: len(peer.received) > 0)
        time.sleep(0.05)
        assert len(peer.received) < 50_000
        clock.advance(0.02)
        wait_until(lambda: len(peer.received) == 50_000)


def test_a_trace_plays_and_can_be_exchanged_and_overridden(
    byte_server: Any, connect: Connect, wait_until: WaitUntil
) -> None:
    clock = FakeClock()
    story = [
        LinkSample(t_s=0.0, uplink_mbps=10.0, rtt_ms=20.0),
        LinkSample(t_s=5.0, uplink_mbps=0.0, rtt_ms=200.0),
        LinkSample(t_s=10.0, uplink_mbps=0.0, rtt_ms=0.0),
    ]
    with LinkEmulator(byte_server.address, story, clock=clock) as link:
        clock.advance(6.0)
        assert (link.sample().t_s, link.sample().uplink_mbps, link.sample().rtt_ms) == (6.0, 0.0, 200.0)
        link.override(uplink_mbps=3.0)
        assert (link.sample().uplink_mbps, link.sample().rtt_ms) == (3.0, 200.0)
        link.override(rtt_ms=7.0)
        assert (link.sample().uplink_mbps, link.sample().rtt_ms) == (0.0, 7.0)
        link.set_trace(LinkTrace.constant(1.0, 2.0))
        assert (link.sample().t_s, link.sample().uplink_mbps, link.sample().rtt_ms) == (0.0, 1.0, 7.0)
        link.override()
        assert link.sample().rtt_ms == 2.0


def test_a_stall_ends_when_the_rate_comes_back(byte_server: Any, connect: Connect, wait_until: WaitUntil) -> None:
    with LinkEmulator(byte_server.address, uplink_mbps=0.0) as link:
        connection = connect((link.host, link.port))
        connection.sendall(b"waits")
        peer = byte_server.peer()
        time.sleep(0.1)
        assert not peer.received
        link.override(uplink_mbps=10.0)
        wait_until(lambda: peer.received == b"waits")


def test_a_lost_packet_comes_a_timeout_later_and_in_order(byte_server: Any, connect: Connect) -> None:
    always = LinkTrace.constant(100.0, 10.0, loss=1.0)
    with LinkEmulator(byte_server.address, always, seed=1) as link:
        connection = connect((link.host, link.port))
        started_s = time.monotonic()
        connection.sendall(b"x")
        peer = byte_server.peer()
        while not peer.received:
            assert time.monotonic() < started_s + 10.0
            time.sleep(0.001)
        assert time.monotonic() - started_s >= 0.2


@pytest.mark.parametrize(
    "arguments",
    [
        {"uplink_mbps": -1.0},
        {"rtt_ms": float("nan")},
        {"downlink_ratio": -1.0},
        {"trace": []},
        {"trace": "no/such/file.csv"},
        {"upstream": "nowhere"},
        {"upstream": "http://:99999"},
    ],
)
def test_wrong_arguments_are_refused_at_once(arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        LinkEmulator(**{"upstream": ("127.0.0.1", 1), **arguments})


def test_an_upstream_may_be_a_url(byte_server: Any, connect: Connect, wait_until: WaitUntil) -> None:
    host, port = byte_server.address
    with LinkEmulator(f"http://{host}:{port}/analyze") as link:
        connect((link.host, link.port)).sendall(b"hello")
        wait_until(lambda: byte_server.peer().received == b"hello")


def test_a_switch_of_a_stopped_emulator_says_so(byte_server: Any) -> None:
    link = LinkEmulator(byte_server.address)
    with pytest.raises(RuntimeError, match="not running"):
        link.black_hole(True)
    with pytest.raises(RuntimeError, match="no port"):
        _ = link.url


def test_a_taken_port_is_a_configuration_error(byte_server: Any) -> None:
    with LinkEmulator(byte_server.address) as link, pytest.raises(ConfigurationError, match="free port"):
        LinkEmulator(byte_server.address, port=link.port).start()


def test_it_starts_again_on_its_port(byte_server: Any, connect: Connect, wait_until: WaitUntil) -> None:
    link = LinkEmulator(byte_server.address)
    with link:
        port = link.port
        connect((link.host, port))
        assert link.start() is link
    link.stop()
    with link:
        assert link.port == port
        connect((link.host, port)).sendall(b"again")
        wait_until(lambda: any(peer.received == b"again" for peer in byte_server.peers))
