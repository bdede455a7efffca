"""The link emulator as a script: `python -m offload_sdk.testing.link --upstream HOST:PORT --trace FILE`.

Only arguments, and what is printed; the emulator itself is `LinkEmulator`.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence

from offload_sdk.errors import ConfigurationError
from offload_sdk.testing._emulator import LinkEmulator

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGINT or SIGTERM. Returns the exit status: 0, 1 if it cannot start, 2 for wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m offload_sdk.testing.link", description="A TCP proxy that emulates a slow, varying link."
    )
    parser.add_argument("--upstream", required=True, metavar="HOST:PORT", help="the server, also as a URL")
    parser.add_argument("--trace", metavar="FILE", help="CSV t_s,uplink_mbps,rtt_ms,loss, played in a loop")
    parser.add_argument("--mbps", type=float, default=100.0, help="rate without a trace (default 100)")
    parser.add_argument("--rtt-ms", type=float, default=0.0, help="round trip without a trace (default 0)")
    parser.add_argument("--downlink-ratio", type=float, default=1.0, help="downlink / uplink rate (default 1)")
    parser.add_argument("--port", type=int, default=0, help="to listen on (default: a free one)")
    options = parser.parse_args(arguments)

    ended = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: ended.set())
    try:
        link = LinkEmulator(
            options.upstream,
            options.trace,
            uplink_mbps=options.mbps,
            rtt_ms=options.rtt_ms,
            downlink_ratio=options.downlink_ratio,
            port=options.port,
        ).start()
    except ConfigurationError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1
    with link:
        print(link.url, flush=True)
        while not ended.wait(1.0):  # a wait without an end would keep Windows from seeing Ctrl-C
            pass
    print(
        f"{link.connections} connections, {link.bytes_up} bytes up, {link.bytes_down} bytes down", file=sys.stderr
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
