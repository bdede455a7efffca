"""What both the emulator and the server need to do to a socket."""

from __future__ import annotations

import contextlib
import os
import socket
import struct

BACKLOG = 128
_LINGER_ZERO = struct.pack("ii", 1, 0) if os.name != "nt" else struct.pack("hh", 1, 0)


def bound_socket(host: str, port: int, *, receive_buffer_bytes: int | None = None) -> socket.socket:
    """A non-blocking socket that has the port but does not listen, so that connections are refused.

    The sockets it will accept inherit the size of the receive buffer. `OSError` if the port is taken.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name != "nt":  # there it would let two sockets share the port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if receive_buffer_bytes is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        sock.setblocking(False)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


def listening_socket(host: str, port: int) -> socket.socket:
    """A non-blocking socket that listens. `OSError` if the port is taken."""
    sock = bound_socket(host, port)
    try:
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def reset_on_close(sock: socket.socket) -> None:
    """Make the closing of the socket send RST instead of FIN."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
