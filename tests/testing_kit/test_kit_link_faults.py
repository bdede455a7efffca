"""Connections through the link emulator that end, hang and break."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from offload_sdk.testing import FaultyServer, LinkEmulator

Connect = Callable[[tuple[str, int]], socket.socket]
WaitUntil = Callable[[Callable[[], bool]], None]


def _at(link: LinkEmulator) -> tuple[str, int]:
    return link.host, link.port


def _assert_hangs(connection: socket.socket) -> None:
    connection.settimeout(0.15)
    with pytest.raises(TimeoutError):
        connection.recv(1)


def _read_to_the_end(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def test_half_closed_by_the_client(byte_server: Any, connect: Connect, wait_until: WaitUntil) -> None:
    with LinkEmulator(byte_server.address, rtt_ms=5.0) as link:
        connection = connect(_at(link))
        connection.sendall(b"all I have")
        connection.shutdown(socket.SHUT_WR)
        peer = byte_server.peer()
        wait_until(lambda: peer.ended == "eof")
        assert peer.received == b"all I have"
        peer.send(b"still answers")
        assert connection.recv(100) == b"still answers"
        peer.end_sending()
        assert connection.recv(1) == b""
        wait_until(lambda: link.open_connections == 0)


def test_half_closed_by_the_server(byte_server: Any, connect: Connect, wait_until: WaitUntil) -> None:
    with LinkEmulator(byte_server.address, rtt_ms=5.0) as link:
        connection = connect(_at(link))
        peer = byte_server.peer()
        peer.send(b"last words")
        peer.end_sending()
        assert connection.recv(100) == b"last words"
        assert connection.recv(1) == b""
        connection.sendall(b"heard")
        wait_until(lambda: peer.received == b"heard")
        connection.close()
        wait_until(lambda: peer.ended == "eof" and link.open_connections == 0)


def test_a_server_that_speaks_first(byte_server: Any, connect: Connect) -> None:
    with LinkEmulator(byte_server.address) as link:
        connection = connect(_at(link))
        byte_server.peer().send(b"220 ready")
        assert connection.recv(100) == b"220 ready"


def test_a_client_that_leaves_in_mid_upload(byte_server: Any, connect: Connect, wait_until: WaitUntil) -> None:
    with LinkEmulator(byte_server.address, uplink_mbps=8.0) as link:
        connection = connect(_at(link))
        connection.setblocking(False)
        sent = connection.send(bytes(500_000))
        connection.close()
        peer = byte_server.peer()
        wait_until(lambda: peer.ended == "eof")
        assert len(peer.received) == sent  # what the kernel took is delivered, at the rate of the link
        peer.end_sending()
        wait_until(lambda: link.open_connections == 0)


def test_a_client_that_resets_in_mid_upload(byte_server: Any, connect: Connect, wait_until: WaitUntil) -> None:
    with LinkEmulator(byte_server.address, uplink_mbps=0.8) as link:
        connection = connect(_at(link))
        connection.sendall(bytes(50_000))
        peer = byte_server.peer()
        wait_until(lambda: len(peer.received) > 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        wait_until(lambda: peer.ended == "reset")
        assert len(peer.received) < 50_000
        wait_until(lambda: link.open_connections == 0)


def test_a_server_that_dies(byte_server: Any, connect: Connect, wait_until: WaitUntil) -> None:
    with LinkEmulator(byte_server.address) as link:
        connection = connect(_at(link))
        byte_server.peer().close()
        assert connection.recv(1) == b""
        connection.close()
        wait_until(lambda: link.open_connections == 0)


def test_an_upstream_that_refuses(connect: Connect, wait_until: WaitUntil) -> None:
    with socket.socket() as placeholder:
        placeholder.bind(("127.0.0.1", 0))  # bound, not listening: refuses, and nobody else gets the port
        with LinkEmulator(placeholder.getsockname(), rtt_ms=20.0) as link:
            connection = connect(_at(link))
            with pytest.raises(ConnectionResetError):
                connection.recv(1)
            wait_until(lambda: link.open_connections == 0)


def test_refuse_and_allow_again(byte_server: Any, connect: Connect, wait_until: WaitUntil) -> None:
    with LinkEmulator(byte_server.address) as link:
        older = connect(_at(link))
        byte_server.peer()
        for _ in range(2):
            link.refuse(True)
            link.refuse(True)
            with pytest.raises(ConnectionRefusedError):
                connect(_at(link))
            link.refuse(False)
            link.refuse(False)
            connect(_at(link)).sendall(b"hello")
        wait_until(lambda: [bytes(peer.received) for peer in byte_server.peers].count(b"hello") == 2)
        older.sendall(b"untouched")
        wait_until(lambda: byte_server.peer(0).received == b"untouched")


def test_reset_breaks_both_sides(byte_server: Any, connect: Connect, wait_until: WaitUntil) -> None:
    with LinkEmulator(byte_server.address) as link:
        connections = [connect(_at(link)) for _ in range(3)]
        for connection in connections:
            connection.sendall(b"x")
        wait_until(lambda: sum(len(peer.received) for peer in byte_server.peers) == 3)
        link.reset()
        for number, connection in enumerate(connections):
            with pytest.raises(ConnectionResetError):
                connection.recv(1)
            peer = byte_server.peer(number)
            wait_until(lambda peer=peer: peer.ended == "reset")
        assert link.open_connections == 0
        connect(_at(link)).sendall(b"new")
        wait_until(lambda: byte_server.peer(3).received == b"new")


def test_reset_during_the_handshake(byte_server: Any, connect: Connect) -> None:
    with LinkEmulator(byte_server.address, rtt_ms=60_000.0) as link:
        connection = connect(_at(link))
        byte_server.peer()
        link.reset()
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_stopped_in_the_moment_of_connecting(byte_server: Any, connect: Connect) -> None:
    for _ in range(20):
        with LinkEmulator(byte_server.address) as link:
            connection = connect(_at(link))
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_black_hole_swallows_and_ends(byte_server: Any, connect: Connect, wait_until: WaitUntil) -> None:
    with LinkEmulator(byte_server.address) as link:
        idle, busy = connect(_at(link)), connect(_at(link))
        for connection in (idle, busy):
            connection.sendall(b"x")
        wait_until(lambda: sum(len(peer.received) for peer in byte_server.peers) == 2)
        link.black_hole(True)
        busy.sendall(b"lost")
        new = connect(_at(link))
        new.sendall(b"lost too")
        _assert_hangs(busy)
        _assert_hangs(new)
        link.black_hole(False)
        _assert_hangs(busy)  # it has lost bytes: it can never go on
        _assert_hangs(new)
        idle.sendall(b"survives")
        after = connect(_at(link))
        after.sendall(b"works")
        wait_until(lambda: {bytes(peer.received) for peer in byte_server.peers} == {b"xsurvives", b"x", b"works"})
        busy.close()
        new.close()
        wait_until(lambda: link.open_connections == 2)


def test_black_hole_stops_what_is_under_way_and_hides_closing(
    byte_server: Any, connect: Connect, wait_until: WaitUntil
) -> None:
    with LinkEmulator(byte_server.address, rtt_ms=200.0) as link:
        connection = connect(_at(link))
        peer = byte_server.peer()
        time.sleep(0.25)
        connection.sendall(b"on its way")
        time.sleep(0.02)
        link.black_hole(True)
        connection.close()
        time.sleep(0.2)
        assert (bytes(peer.received), peer.ended) == (b"", None)
        link.black_hole(False)
        wait_until(lambda: peer.ended == "reset" and link.open_connections == 0)


def test_a_black_hole_blocks_a_big_upload(byte_server: Any, connect: Connect) -> None:
    with LinkEmulator(byte_server.address) as link:
        link.black_hole(True)
        connection = connect(_at(link))
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.sendall(bytes(20_000_000))


@pytest.mark.parametrize("hang", ["idle", "stalled", "black hole", "unread answer", "handshake"])
def test_stops_with_connections_that_hang(byte_server: Any, connect: Connect, hang: str) -> None:
    link = LinkEmulator(byte_server.address, rtt_ms=60_000.0 if hang == "handshake" else 1.0)
    with link:
        if hang == "stalled":
            link.override(uplink_mbps=0.0)
        link.black_hole(hang == "black hole")
        connections = [connect(_at(link)) for _ in range(5)]
        for connection in connections:
            connection.sendall(bytes(50_000))
        if hang == "unread answer":
            peer = byte_server.peer()
            peer.send_some(bytes(10_000_000))
        time.sleep(0.05)
        started_s = time.monotonic()
    assert time.monotonic() - started_s < 5.0
    for connection in connections:
        with pytest.raises(ConnectionResetError):
            _read_to_the_end(connection)


def test_fifty_clients_at_once() -> None:
    with FaultyServer() as server, LinkEmulator(server.url, uplink_mbps=50.0, rtt_ms=10.0) as link:

        def post(number: int) -> bytes:
            image = bytes([number]) * 5_000
            body = b'--b\r\nContent-Disposition: form-data; name="image"\r\n\r\n' + image + b"\r\n--b--\r\n"
            head = (
                "POST /analyze HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            with socket.create_connection(_at(link), timeout=20.0) as connection:
                connection.sendall(head.encode() + body)
                answer = b""
                while piece := connection.recv(65536):
                    answer += piece
            return answer

        started_s = time.monotonic()
        with ThreadPoolExecutor(50) as pool:
            answers = list(pool.map(post, range(50)))
        assert time.monotonic() - started_s >= 50 * 5_000 * 8e-6 / 50.0
        assert all(answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"}") for answer in answers)
        assert sorted(request.image for request in server.requests) == [bytes([n]) * 5_000 for n in range(50)]
        assert link.connections == 50
