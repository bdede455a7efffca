"""Temperature zones and the three sources of throttling."""

from __future__ import annotations

from pathlib import Path

import pytest

from offload_sdk.measure.thermal import ThermalReader, parse_throttled

pytestmark = pytest.mark.light


class Clock:
    def __init__(self) -> None:
        self.now_s = 50.0

    def __call__(self) -> float:
        return self.now_s


class Tool:
    def __init__(self, *answers: str | None) -> None:
        self.answers = list(answers)
        self.calls = 0

    def __call__(self) -> str | None:
        self.calls += 1
        return self.answers[min(self.calls, len(self.answers)) - 1]


def zone(root: Path, number: int, kind: str, temp: object) -> Path:
    folder = root / f"sys/class/thermal/thermal_zone{number}"
    folder.mkdir(parents=True)
    (folder / "type").write_text(f"{kind}\n")
    (folder / "temp").write_text(f"{temp}\n")
    return folder / "temp"


def reader(root: Path, clock: Clock | None = None, tool: Tool | None = None) -> ThermalReader:
    return ThermalReader(clock or Clock(), root, tool)


def test_hottest_of_the_processors_zones(tmp_path: Path) -> None:
    zone(tmp_path, 0, "cpu-thermal", 48_312)
    zone(tmp_path, 1, "x86_pkg_temp", 61_000)
    zone(tmp_path, 2, "iwlwifi_1", 90_000)
    zone(tmp_path, 3, "acpitz", 99_000)
    assert reader(tmp_path).temperature_c() == pytest.approx(61.0)


def test_a_zone_of_unknown_kind_is_better_than_none(tmp_path: Path) -> None:
    zone(tmp_path, 0, "acpitz", 27_800)
    zone(tmp_path, 1, "nvme", 80_000)
    assert reader(tmp_path).temperature_c() == pytest.approx(27.8)


def test_hwmon_where_there_are_no_zones(tmp_path: Path) -> None:
    sensor = tmp_path / "sys/class/hwmon/hwmon3"
    sensor.mkdir(parents=True)
    (sensor / "name").write_text("k10temp\n")
    (sensor / "temp1_input").write_text("55125\n")
    assert reader(tmp_path).temperature_c() == pytest.approx(55.125)


@pytest.mark.parametrize("temp", ["", "hot", "-273000", "1000000", "nan"])
def test_senseless_temperature_is_unknown(tmp_path: Path, temp: str) -> None:
    zone(tmp_path, 0, "cpu-thermal", temp)
    assert reader(tmp_path).temperature_c() is None


def test_a_zone_that_appears_later_is_found(tmp_path: Path) -> None:
    thermal = reader(tmp_path)
    assert thermal.temperature_c() is None
    temp = zone(tmp_path, 0, "cpu-thermal", 40_000)
    assert thermal.temperature_c() == pytest.approx(40.0)
    temp.unlink()
    assert thermal.temperature_c() is None


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("throttled=0x0\n", False),
        ("0", False),
        ("50000", False),  # happened since boot, not now
        ("throttled=0x50005", True),
        ("1", True),  # undervoltage
        ("2", True),  # frequency capped
        ("4", True),  # throttled
        ("0x8", True),  # soft temperature limit
        ("f0000", False),
        ("", None),
        ('error=1 error_msg="Command not registered"', None),
    ],
)
def test_bits_of_the_firmwares_word(word: str, expected: bool | None) -> None:
    assert parse_throttled(word) is expected


def firmware(root: Path, word: str) -> None:
    folder = root / "sys/devices/platform/soc/soc:firmware"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "get_throttled").write_text(f"{word}\n")


def test_the_firmwares_file_needs_no_tool(tmp_path: Path) -> None:
    tool = Tool("throttled=0x0")
    thermal = reader(tmp_path, tool=tool)
    firmware(tmp_path, "50005")
    assert thermal.throttled() is True
    firmware(tmp_path, "50000")
    assert thermal.throttled() is False
    assert tool.calls == 0


def test_the_tool_is_not_called_at_first_and_then_rarely(tmp_path: Path) -> None:
    clock, tool = Clock(), Tool("throttled=0x50005", "throttled=0x50000")
    thermal = reader(tmp_path, clock, tool)
    assert thermal.throttled() is None
    assert tool.calls == 0
    assert thermal.throttled() is True
    clock.now_s += 5.0
    assert thermal.throttled() is True
    assert tool.calls == 1
    clock.now_s += 6.0
    assert thermal.throttled() is False
    assert tool.calls == 2


def test_a_tool_that_fails_is_given_up(tmp_path: Path) -> None:
    clock, tool = Clock(), Tool(None)
    thermal = reader(tmp_path, clock, tool)
    for _ in range(20):
        assert thermal.throttled() is None
        clock.now_s += 60.0
    assert tool.calls == 3


def cooling(root: Path, number: int, kind: str, state: object) -> None:
    folder = root / f"sys/class/thermal/cooling_device{number}"
    folder.mkdir(parents=True)
    (folder / "type").write_text(f"{kind}\n")
    (folder / "cur_state").write_text(f"{state}\n")


@pytest.mark.parametrize(("state", "expected"), [(0, False), (3, True), ("?", None)])
def test_cooling_devices_that_slow_the_processor(tmp_path: Path, state: object, expected: bool | None) -> None:
    cooling(tmp_path, 0, "pwm-fan", 4)
    cooling(tmp_path, 1, "thermal-cpufreq-0", state)
    assert reader(tmp_path).throttled() is expected


def test_a_fan_says_nothing(tmp_path: Path) -> None:
    cooling(tmp_path, 0, "pwm-fan", 4)
    assert reader(tmp_path).throttled() is None
