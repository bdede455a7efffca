"""Battery, mains and power from fake sysfs trees: units, absences and nonsense."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from offload_sdk.measure.battery import Battery, BatteryReader, system_battery

pytestmark = pytest.mark.light


def supply(root: Path, name: str, **attributes: object) -> Path:
    node = root / "sys/class/power_supply" / name
    node.mkdir(parents=True)
    for attribute, value in attributes.items():
        (node / attribute).write_text(f"{value}\n")
    return node


def read(root: Path) -> Battery:
    def never() -> Battery:
        raise AssertionError("sysfs is there, so psutil is not asked")

    return BatteryReader(root, never).read()


def test_discharging_laptop(tmp_path: Path) -> None:
    supply(
        tmp_path,
        "BAT0",
        type="Battery",
        status="Discharging",
        energy_now=21_000_000,
        energy_full=42_000_000,
        power_now=7_500_000,
        capacity=50,
    )
    supply(tmp_path, "AC", type="Mains", online=0)
    assert read(tmp_path) == Battery(frac=0.5, on_mains=False, power_w=7.5)


def test_power_from_current_and_voltage_whatever_the_sign(tmp_path: Path) -> None:
    supply(
        tmp_path,
        "battery",
        type="Battery",
        status="Discharging",
        charge_now=600_000,
        charge_full=2_400_000,
        current_now=-500_000,
        voltage_now=3_700_000,
    )
    state = read(tmp_path)
    assert state.frac == pytest.approx(0.25)
    assert state.power_w == pytest.approx(1.85)
    assert state.on_mains is False


def test_full_on_mains_reports_no_draw(tmp_path: Path) -> None:
    supply(
        tmp_path,
        "BAT0",
        type="Battery",
        status="Full",
        energy_now=43_000_000,
        energy_full=42_000_000,
        power_now=2_000_000,
    )
    supply(tmp_path, "AC", type="Mains", online=1)
    assert read(tmp_path) == Battery(frac=1.0, on_mains=True, power_w=None)


def test_charger_too_weak_is_not_mains(tmp_path: Path) -> None:
    supply(tmp_path, "BAT0", type="Battery", status="Discharging", capacity=80)
    supply(tmp_path, "usb", type="USB", online=1)
    assert read(tmp_path) == Battery(frac=0.8, on_mains=False, power_w=None)


def test_two_batteries_weigh_by_energy(tmp_path: Path) -> None:
    supply(tmp_path, "BAT0", type="Battery", status="Unknown", energy_now=10_000_000, energy_full=10_000_000)
    supply(
        tmp_path,
        "BAT1",
        type="Battery",
        status="Discharging",
        energy_now=10_000_000,
        energy_full=30_000_000,
        power_now=5_000_000,
    )
    state = read(tmp_path)
    assert state.frac == pytest.approx(0.5)
    assert state.power_w == pytest.approx(5.0)


def test_battery_of_a_mouse_is_not_ours(tmp_path: Path) -> None:
    supply(tmp_path, "hidpp_battery_0", type="Battery", scope="Device", status="Discharging", capacity=5)
    supply(tmp_path, "AC", type="Mains", online=1)
    assert read(tmp_path) == Battery(frac=None, on_mains=True)


def test_absent_battery_slot_does_not_count(tmp_path: Path) -> None:
    supply(tmp_path, "BAT0", type="Battery", present=0, status="Unknown")
    assert read(tmp_path) == Battery()


def test_no_supply_node_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "sys/class/power_supply").mkdir(parents=True)
    assert read(tmp_path) == Battery()


def test_all_attributes_absent(tmp_path: Path) -> None:
    supply(tmp_path, "BAT0", type="Battery")
    assert read(tmp_path) == Battery()


@pytest.mark.parametrize(
    ("attributes", "frac"),
    [
        ({"capacity": "garbage"}, None),
        ({"capacity": ""}, None),
        ({"capacity": 255}, None),
        ({"capacity": -1}, None),
        ({"capacity": "nan"}, None),
        ({"energy_now": 5, "energy_full": 0, "capacity": 40}, 0.4),
        ({"energy_now": "?", "energy_full": 100, "capacity": 40}, 0.4),
        ({"charge_now": 1, "charge_full_design": 4}, 0.25),
    ],
)
def test_nonsense_is_unknown(tmp_path: Path, attributes: dict[str, object], frac: float | None) -> None:
    supply(tmp_path, "BAT0", type="Battery", status="Discharging", **attributes)
    assert read(tmp_path).frac == frac


def test_binary_garbage(tmp_path: Path) -> None:
    node = supply(tmp_path, "BAT0", type="Battery", status="Discharging")
    (node / "capacity").write_bytes(b"\xff\xfe\x00\x80")
    (node / "status").write_bytes(b"\x80\x81")
    assert read(tmp_path) == Battery()


def test_a_folder_where_a_file_should_be(tmp_path: Path) -> None:
    node = supply(tmp_path, "BAT0", type="Battery", status="Discharging")
    (node / "capacity").mkdir()
    assert read(tmp_path).frac is None


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_permission_denied(tmp_path: Path) -> None:
    node = supply(tmp_path, "BAT0", type="Battery", status="Discharging", capacity=40)
    (node / "capacity").chmod(0)
    assert read(tmp_path).frac is None


def test_without_sysfs_the_system_is_asked(tmp_path: Path) -> None:
    told = Battery(frac=0.3, on_mains=False)
    assert BatteryReader(tmp_path, lambda: told).read() is told


def test_the_system_answers_without_raising() -> None:
    state = system_battery()
    assert state.frac is None or 0.0 <= state.frac <= 1.0
