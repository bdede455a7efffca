"""How many requests a client may send in a time. Arithmetic only: no clock of its own, no HTTP, no I/O.

A token bucket per client, kept as one number: the moment at which the bucket is full again (the generic cell rate
algorithm, ITU-T I.371, annex A).
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict

from server_stub.engine import Clock

__all__ = ["Rates", "client_of_address"]

_MAX_CLIENTS = 10_000
_MAX_NAME_CHARS = 64
_V6_NETWORK_BITS = 64  # what one subscriber gets, so what one attacker has at the least


class Rates:
    """`per_s` requests a second for each client in the long run, and up to `burst` at once.

    The `max_clients` that asked last are remembered; a forgotten one begins with a full bucket.
    """

    def __init__(self, *, per_s: float, burst: int, clock: Clock, max_clients: int = _MAX_CLIENTS) -> None:
        self._interval_s = 1.0 / per_s
        self._burst = burst
        self._clock = clock
        self._max_clients = max_clients
        self._full_s: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_s)

    def wait_s(self, client: str) -> float:
        """Count one request and return 0.0, or, counting none, the seconds until the client may send one."""
        now_s = self._clock()
        full_s = max(self._full_s.get(client, now_s), now_s) + self._interval_s
        wait_s = full_s - now_s - self._burst * self._interval_s
        if wait_s > 1e-9:  # what rounding leaves of nothing
            return wait_s
        self._full_s[client] = full_s
        self._full_s.move_to_end(client)
        if len(self._full_s) > self._max_clients:
            self._full_s.popitem(last=False)
        return 0.0


def client_of_address(address: str) -> str:
    """Return what stands for the client behind an address: the address itself, of an IPv6 one the network."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:_MAX_NAME_CHARS]  # whatever a proxy says that it is
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, _V6_NETWORK_BITS), strict=False))
    return str(parsed)
