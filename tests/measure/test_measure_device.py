"""The whole device from a fake tree; whatever fails is unknown, and is said once."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from offload_sdk._types import Snapshot
from offload_sdk.measure.device import Device
from offload_sdk.measure.load import CpuTimes
from offload_sdk.typing import DeviceProbe

pytestmark = pytest.mark.light


def write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def test_a_raspberry_pi_on_battery(tmp_path: Path) -> None:
    battery = tmp_path / "sys/class/power_supply/battery"
    write(battery / "type", "Battery\n")
    write(battery / "status", "Discharging\n")
    write(battery / "capacity", "35\n")
    write(battery / "power_now", "2900000\n")
    write(tmp_path / "sys/class/thermal/thermal_zone0/type", "cpu-thermal\n")
    write(tmp_path / "sys/class/thermal/thermal_zone0/temp", "71500\n")
    write(tmp_path / "sys/devices/platform/soc/soc:firmware/get_throttled", "50005\n")
    write(tmp_path / "proc/net/wireless", "a\nb\n wlan0: 0000   54.  -67.  -256  0 0 0 0 0 0\n")
    counters = iter([CpuTimes(busy_s=0.0, total_s=0.0, own_s=0.0), CpuTimes(busy_s=4.0, total_s=8.0, own_s=2.0)])
    device = Device(clock=lambda: 7.0, root=tmp_path, cpu_times=lambda: next(counters), cores=4)
    assert isinstance(device, DeviceProbe)
    assert device.read().cpu_load_frac is None
    assert device.read() == Snapshot(
        taken_s=7.0,
        battery_frac=0.35,
        on_mains=False,
        power_w=2.9,
        cpu_load_frac=0.25,
        temperature_c=71.5,
        throttled=True,
        signal_dbm=-67.0,
    )


def test_an_empty_tree_is_all_unknown(tmp_path: Path) -> None:
    (tmp_path / "sys/class/power_supply").mkdir(parents=True)
    device = Device(
        clock=lambda: 3.0,
        root=tmp_path,
        cpu_times=lambda: CpuTimes(busy_s=0.0, total_s=0.0, own_s=0.0),
        throttle_tool=None,
    )
    assert device.read() == Snapshot(taken_s=3.0)


def test_a_reader_that_raises_is_unknown_and_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> CpuTimes:
        raise RuntimeError("no counters here")

    device = Device(clock=lambda: 3.0, root=tmp_path, cpu_times=broken, throttle_tool=None)
    with caplog.at_level(logging.WARNING, logger="offload_sdk"):
        for _ in range(5):
            assert device.read().cpu_load_frac is None
    assert len([record for record in caplog.records if "load" in record.getMessage()]) == 1


def test_this_machine_can_be_read() -> None:
    device = Device()
    device.read()
    snapshot = device.read()
    assert snapshot.battery_frac is None or 0.0 <= snapshot.battery_frac <= 1.0
    assert snapshot.cpu_load_frac is None or 0.0 <= snapshot.cpu_load_frac <= 1.0
