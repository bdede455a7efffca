"""How closely the link emulator keeps to its link: `python -m benchmarks.link_emulator`.

Measured is the time of a request of so many bytes with an answer of 200 bytes over plain sockets, ideal what the
trace says: queueing and half a round trip each way, and one more round trip when the connection is new. The
server answers at once, so everything above the ideal is the emulator, the kernel and the scheduling.
"""

from __future__ import annotations

import argparse
import socket
import statistics
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from offload_sdk.testing import LinkEmulator, LinkTrace

ANSWER_BYTES = 200
SIZES_BYTES = (15_000, 107_000, 600_000)
RATES_MBPS = (2.0, 10.0, 50.0)
RTTS_MS = (5.0, 40.0, 120.0)
TRACES = ("lte_mahimahi-Verizon-LTE-short.csv", "wifi_mecperf-cloud-noise20M.csv")
_HEAD = struct.Struct("!II")


def _answer(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection, connection.makefile("rb") as stream:
        try:
            while len(head := stream.read(_HEAD.size)) == _HEAD.size:
                size_bytes, answer_bytes = _HEAD.unpack(head)
                stream.read(size_bytes - _HEAD.size)
                connection.sendall(bytes(answer_bytes))
        except ConnectionError:
            pass


@contextmanager
def sink() -> Iterator[tuple[str, int]]:
    """A server that swallows requests and answers so many bytes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=_answer, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def connect(link: LinkEmulator) -> socket.socket:
    connection = socket.create_connection((link.host, link.port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def message(size_bytes: int) -> bytes:
    """A request of so many bytes."""
    return _HEAD.pack(size_bytes, ANSWER_BYTES) + bytes(size_bytes - _HEAD.size)


def exchange(connection: socket.socket, request: bytes) -> None:
    """Send a request and read its answer."""
    connection.sendall(request)
    left = ANSWER_BYTES
    while left:
        left -= len(connection.recv(left)) or left


def ideal_s(trace: LinkTrace, start_s: float, size_bytes: int) -> float:
    """How long the exchange takes that starts `start_s` into the trace, on an open connection."""
    sent_s = trace.finish_s(start_s, size_bytes)
    received_s = sent_s + trace.at(sent_s).rtt_s / 2.0
    answered_s = trace.finish_s(received_s, ANSWER_BYTES)
    return answered_s + trace.at(answered_s).rtt_s / 2.0 - start_s


def constants(server: tuple[str, int], repeat: int) -> float:
    """Print the table of constant links; return the largest deviation as a fraction."""
    print("Mbit/s RTT ms   bytes   warm ms     ideal     off   cold ms     ideal     off")
    worst = 0.0
    for mbps in RATES_MBPS:
        for rtt_ms in RTTS_MS:
            trace = LinkTrace.constant(mbps, rtt_ms)
            with LinkEmulator(server, trace) as link:
                for size_bytes in SIZES_BYTES:
                    request = message(size_bytes)
                    warm: list[float] = []
                    cold: list[float] = []
                    ideal = ideal_s(trace, 0.0, size_bytes)
                    for _ in range(max(repeat, min(int(2.0 / ideal), 4 * repeat))):
                        start_s = time.monotonic()
                        with connect(link) as connection:
                            exchange(connection, request)
                            cold.append(time.monotonic() - start_s)
                            start_s = time.monotonic()
                            exchange(connection, request)
                            warm.append(time.monotonic() - start_s)
                    cells = [f"{mbps:6g} {rtt_ms:6g} {size_bytes:7}"]
                    for measured_s, wanted_s in (
                        (statistics.median(warm), ideal),
                        (statistics.median(cold), ideal + rtt_ms / 1e3),
                    ):
                        off = measured_s / wanted_s - 1.0
                        worst = max(worst, abs(off))
                        cells.append(f"{measured_s * 1e3:9.2f} {wanted_s * 1e3:9.2f} {off:+7.2%}")
                    print(" ".join(cells), flush=True)
    return worst


def traced(server: tuple[str, int], path: Path, seconds: float) -> float:
    """Print how requests of 107 KB fare over a recorded trace; return the median deviation as a fraction."""
    trace = LinkTrace.from_csv(path)
    off: list[float] = []
    measured_s = wanted_s = 0.0
    request = message(107_000)
    with LinkEmulator(server, trace) as link, connect(link) as connection:
        exchange(connection, message(_HEAD.size))
        while (start_s := link.sample().t_s) < seconds:
            begun_s = time.monotonic()
            exchange(connection, request)
            took_s = time.monotonic() - begun_s
            wanted = ideal_s(trace, start_s, 107_000)
            off.append(took_s / wanted - 1.0)
            measured_s, wanted_s = measured_s + took_s, wanted_s + wanted
    off.sort()
    median = statistics.median(off)
    print(
        f"{path.name}: {len(off)} requests of 107 KB in {measured_s:.1f} s, ideal {wanted_s:.1f} s; "
        f"off by {median:+.2%} in the median, {off[0]:+.2%} to {off[-1]:+.2%}",
        flush=True,
    )
    return abs(median)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5, help="requests per row, short ones up to 4 x (default 5)")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each recorded trace (default 20)")
    options = parser.parse_args()
    folder = Path(__file__).resolve().parents[2] / "shared" / "data" / "traces"
    with sink() as server:
        worst = constants(server, options.repeat)
        for name in TRACES:
            if (folder / name).is_file():
                worst = max(worst, traced(server, folder / name, options.seconds))
    print(f"largest deviation of a median: {worst:.2%}")


if __name__ == "__main__":
    main()
