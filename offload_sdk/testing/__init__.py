"""Fakes for the tests of applications that use this library, and of the library itself.

Standard library only. Nothing outside tests and the demonstration imports this package.
"""

from __future__ import annotations

from offload_sdk.testing._clock import FakeClock
from offload_sdk.testing._emulator import LinkEmulator
from offload_sdk.testing._faults import Fault
from offload_sdk.testing._http import ReceivedRequest
from offload_sdk.testing._probe import ScriptedProbe
from offload_sdk.testing._server import FaultyServer
from offload_sdk.testing._trace import LinkSample, LinkTrace

__all__ = [
    "FakeClock",
    "Fault",
    "FaultyServer",
    "LinkEmulator",
    "LinkSample",
    "LinkTrace",
    "ReceivedRequest",
    "ScriptedProbe",
]
