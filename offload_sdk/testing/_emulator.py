"""The emulated link as users see it: an object that runs a proxy in a thread of its own.

How the link behaves is in `_shared_link`, `_connection` and `_proxy`; this file holds the thread, and hands
every switch over to it.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable, Sequence
from os import PathLike
from types import TracebackType
from typing import TypeVar
from urllib.parse import urlsplit

from offload_sdk.errors import ConfigurationError
from offload_sdk.testing._proxy import Proxy, Resolved, resolve
from offload_sdk.testing._timers import precise_selector
from offload_sdk.testing._trace import LinkSample, LinkTrace
from offload_sdk.typing import Clock

_T = TypeVar("_T")
_PATIENCE_S = 10.0  # for the thread to take a call; it never has that much to do


class LinkEmulator:
    """A TCP proxy on 127.0.0.1 that makes the way to `upstream` as slow as a trace says.

        with LinkEmulator(upstream=("127.0.0.1", 8000), uplink_mbps=5, rtt_ms=40) as link:
            offloader = Offloader(OffloadConfig(server_url=link.url))
            ...
            link.black_hole(True)

    What is emulated:

    - **Rate.** One queue for the whole link in each direction. Connections take turns of 2 ms of data (1460
      bytes to 16 KiB), so parallel uploads share the rate evenly. A rate of 0 is a stall: bytes wait. Downlink
      rate = uplink rate × `downlink_ratio`. Payload bytes only: headers of TCP and IP are not counted.
    - **Delay.** Half the round trip each way, added after the queue, so it never limits the throughput.
    - **Connecting** takes one round trip before the first byte moves. The kernel accepts the connection before
      this proxy sees it, so a client's `connect` returns at once and its first exchange takes the round trip
      longer.
    - **Loss.** A piece in which a packet of 1460 bytes is lost arrives one retransmission timeout (round trip +
      200 ms) late, and everything behind it on the same connection waits for it, as with TCP. Blank is none.
    - Not emulated: slow start, congestion control, TLS.

    At most 64 KiB of a connection wait in the proxy, and about as much in its receive buffer; what a sender's
    own kernel takes in besides is out of reach, so `send` returns before the bytes have passed. When the server
    has them, and when the answer comes back, is right: `python -m benchmarks.link_emulator` shows how closely.

    `clock` is the time that the link lives in. With one that is not `time.monotonic`, a `FakeClock` for
    instance, bytes move only as it advances.

    All methods may be called from any thread. Nothing is left running after `stop` or the `with` block.
    """

    def __init__(
        self,
        upstream: tuple[str, int] | str,
        trace: LinkTrace | Sequence[LinkSample] | str | PathLike[str] | None = None,
        *,
        uplink_mbps: float = 100.0,
        rtt_ms: float = 0.0,
        downlink_ratio: float = 1.0,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Clock = time.monotonic,
        seed: int | None = None,
    ) -> None:
        """Describe the link; `start` or `with` opens it.

        Args:
            upstream: the server, as (host, port), `"host:port"` or a URL.
            trace: the link over time, the path of a CSV file of it, or None for a constant link of
                `uplink_mbps` and `rtt_ms`, which are ignored otherwise. It begins at `start`.
            port: 0 for a free one, which is kept over `stop` and `start`.
            seed: of the random losses.

        `ConfigurationError` when an argument is wrong.
        """
        self._upstream = _address(upstream)
        self._trace = LinkTrace.constant(uplink_mbps, rtt_ms) if trace is None else _as_trace(trace)
        if not downlink_ratio >= 0.0:
            raise ConfigurationError(f"downlink_ratio is {downlink_ratio!r}; give a number from 0 up")
        self._downlink_ratio = downlink_ratio
        self.host = host
        self._port = port
        self._clock = clock
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._proxy: Proxy | None = None

    # Its life

    def start(self) -> LinkEmulator:
        """Listen; does nothing if it does already. `ConfigurationError` if the port cannot be had."""
        with self._lock:
            if self._loop is not None:
                return self
            try:
                upstream = resolve(*self._upstream)
            except OSError as error:
                raise ConfigurationError(f"upstream {self._upstream[0]!r} has no address: {error}") from error
            loop = asyncio.SelectorEventLoop(precise_selector())
            thread = threading.Thread(target=loop.run_forever, name="link-emulator", daemon=True)
            thread.start()
            self._loop, self._thread = loop, thread
            try:
                self._proxy = asyncio.run_coroutine_threadsafe(self._open(upstream), loop).result(_PATIENCE_S)
            except BaseException as error:
                self._end()
                if not isinstance(error, OSError):
                    raise
                raise ConfigurationError(
                    f"the link emulator cannot listen on {self.host}:{self._port}: {error}; give a free port"
                ) from error
        return self

    def stop(self) -> None:
        """Reset every connection, close the port, end the thread. Does nothing if it is not running."""
        with self._lock:
            if self._loop is not None and self._proxy is not None:
                asyncio.run_coroutine_threadsafe(self._proxy.close(), self._loop).result(_PATIENCE_S)
            self._end()

    def __enter__(self) -> LinkEmulator:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    # Where it is

    @property
    def port(self) -> int:
        """The port it listens on; `RuntimeError` before the first `start` if none was given."""
        if self._port == 0:
            raise RuntimeError("the link emulator has no port before it is started")
        return self._port

    @property
    def url(self) -> str:
        """`http://host:port`: what to give to a client instead of the server's own URL."""
        return f"http://{self.host}:{self.port}"

    # Switches

    def set_trace(self, trace: LinkTrace | Sequence[LinkSample] | str | PathLike[str]) -> None:
        """Go over to another trace, from its beginning, now. Overrides stay."""
        chosen = _as_trace(trace)
        self._call(lambda proxy: proxy.set_trace(chosen))
        self._trace = chosen

    def override(self, uplink_mbps: float | None = None, rtt_ms: float | None = None) -> None:
        """Hold the rate or the round trip at a value, whatever the trace says; None follows the trace again."""
        LinkTrace.constant(uplink_mbps or 0.0, rtt_ms or 0.0)  # says what is wrong with a value
        self._call(lambda proxy: proxy.override(uplink_mbps, rtt_ms))

    def black_hole(self, on: bool) -> None:
        """Let all bytes vanish, with no error to anybody.

        Connections that lose bytes hang, also after the black hole is switched off again, until one of their
        sides gives up; so do those that are opened meanwhile. Idle ones survive it. (To delay bytes instead
        of losing them, set the rate to 0.)
        """
        self._call(lambda proxy: proxy.set_black_hole(on))

    def refuse(self, on: bool) -> None:
        """Refuse new connections, as a machine does on which no server runs. Open ones go on: see `reset`."""
        self._call(lambda proxy: proxy.refuse(on))

    def reset(self) -> None:
        """Break all open connections with RST on both sides."""
        self._call(lambda proxy: proxy.reset())

    # What happened

    def sample(self) -> LinkSample:
        """The link now, overrides included; `t_s` is the time since the trace began."""
        return self._call(lambda proxy: proxy.sample())

    @property
    def bytes_up(self) -> int:
        """Delivered to the server since `start`."""
        return 0 if self._proxy is None else self._proxy.bytes_up

    @property
    def bytes_down(self) -> int:
        """Delivered to clients since `start`."""
        return 0 if self._proxy is None else self._proxy.bytes_down

    @property
    def connections(self) -> int:
        """Accepted since `start`."""
        return 0 if self._proxy is None else self._proxy.accepted

    @property
    def open_connections(self) -> int:
        """Open now, hanging ones included."""
        return 0 if self._loop is None or self._proxy is None else self._proxy.open_connections

    def _call(self, action: Callable[[Proxy], _T]) -> _T:
        """Run in the loop's thread, and wait until it is done."""
        loop, proxy = self._loop, self._proxy
        if loop is None or proxy is None:
            raise RuntimeError("the link emulator is not running; start it first")

        async def run() -> _T:
            return action(proxy)

        return asyncio.run_coroutine_threadsafe(run(), loop).result(_PATIENCE_S)

    async def _open(self, upstream: Resolved) -> Proxy:
        proxy = Proxy(
            upstream,
            self._trace,
            downlink_ratio=self._downlink_ratio,
            clock=self._clock,
            random_generator=self._random,
        )
        self._port = proxy.bind(self.host, self._port)[1]
        proxy.listen()
        return proxy

    def _end(self) -> None:
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
        self._loop = self._thread = None


def _address(upstream: tuple[str, int] | str) -> tuple[str, int]:
    if not isinstance(upstream, str):
        return upstream
    try:
        parts = urlsplit(upstream if "//" in upstream else f"//{upstream}")
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        parts, port = urlsplit(""), None
    if not parts.hostname or port is None:
        raise ConfigurationError(f"upstream {upstream!r} is not a server; give HOST:PORT or a URL")
    return parts.hostname, port


def _as_trace(trace: LinkTrace | Sequence[LinkSample] | str | PathLike[str]) -> LinkTrace:
    if isinstance(trace, LinkTrace):
        return trace
    if isinstance(trace, (str, PathLike)):
        return LinkTrace.from_csv(trace)
    return LinkTrace(trace)
