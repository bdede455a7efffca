"""What the test kit exports, and its two parts without a socket: the clock and the probe."""

from __future__ import annotations

import subprocess
import sys

import pytest

from offload_sdk import testing
from offload_sdk._types import Snapshot
from offload_sdk.testing import FakeClock, ScriptedProbe
from offload_sdk.typing import Clock, DeviceProbe


def test_exports_are_sorted_and_there() -> None:
    assert testing.__all__ == sorted(testing.__all__)
    assert all(hasattr(testing, name) for name in testing.__all__)


def test_import_needs_nothing_but_the_standard_library() -> None:
    code = (
        "import sys, offload_sdk.testing, offload_sdk.testing.link\n"
        "heavy = {'numpy', 'PIL', 'requests', 'pydantic', 'ai_edge_litert', 'tflite_runtime', 'rich', 'typer'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_clock_moves_only_when_told() -> None:
    clock = FakeClock(5.0)
    as_protocol: Clock = clock
    assert as_protocol() == as_protocol() == 5.0
    assert clock.advance(1.5) == 6.5
    clock.sleep(0.5)
    assert clock() == 7.0


@pytest.mark.parametrize("seconds", [-0.1, float("nan"), float("inf")])
def test_clock_never_goes_back(seconds: float) -> None:
    clock = FakeClock(1.0)
    with pytest.raises(ValueError, match="monotonic"):
        clock.advance(seconds)
    assert clock() == 1.0


def test_probe_plays_one_snapshot_a_read_and_holds_the_last() -> None:
    script = [Snapshot(taken_s=0.0, battery_frac=0.9), Snapshot(taken_s=1.0, battery_frac=0.1)]
    probe = ScriptedProbe(script)
    assert isinstance(probe, DeviceProbe)
    assert [probe.read() for _ in range(4)] == [script[0], script[1], script[1], script[1]]
    assert probe.reads == 4


def test_probe_plays_by_the_clock_from_the_first_read() -> None:
    clock = FakeClock(100.0)
    probe = ScriptedProbe(
        [Snapshot(taken_s=0.0, temperature_c=40.0), Snapshot(taken_s=10.0, temperature_c=80.0)], clock
    )
    assert probe.read() == Snapshot(taken_s=100.0, temperature_c=40.0)
    clock.advance(9.9)
    assert probe.read().temperature_c == 40.0
    clock.advance(0.2)
    late = probe.read()
    assert (late.temperature_c, late.taken_s) == (80.0, clock())


def test_probe_refuses_a_script_it_cannot_play() -> None:
    with pytest.raises(ValueError, match="at least one"):
        ScriptedProbe([])
    with pytest.raises(ValueError, match="order"):
        ScriptedProbe([Snapshot(taken_s=1.0), Snapshot(taken_s=0.0)], FakeClock())
