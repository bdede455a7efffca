"""What logs say that devices ask of the servers: arithmetic, and the command."""

from __future__ import annotations

import csv
import io
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from offload_sdk._types import Record
from offload_sdk.cli.app import app
from offload_sdk.log import SqliteLog
from offload_sdk.report.demand import demand_of

pytestmark = pytest.mark.light
START_S = 4_000_000_000.0  # so late that no limit of age ever deletes it
TIMES_S = {"network": 0.03, "server": 0.02}


@pytest.fixture
def served(image, run):
    """A record of an image that a server answered at so many seconds."""

    def make(number: int, at_s: float, server_s: float = 0.02, sent_bytes: int = 40_000) -> Record:
        timings = {"network": 0.03, "server": server_s}
        return image(number, run("cloud", 0.05, timings=timings, sent_bytes=sent_bytes), wall_s=START_S + at_s)

    return make


def test_the_rate_is_that_of_the_busiest_window(served) -> None:
    moments_s = [*range(0, 3600, 60), *range(3600, 3700)]  # one a minute, then one a second
    records = [served(number, at_s) for number, at_s in enumerate(reversed(moments_s))]
    assert demand_of("d", records, window_s=100.0).images_per_s == pytest.approx(1.0)
    assert demand_of("d", records, window_s=3600.0).images_per_s == pytest.approx((100 + 58) / 3600, rel=0.02)


def test_a_log_shorter_than_the_window_counts_whole(served) -> None:
    records = [served(number, 0.5 * number) for number in range(241)]
    assert demand_of("d", records, window_s=3600.0).images_per_s == pytest.approx(241 / 120)
    assert demand_of("d", records[:5], window_s=3600.0).images_per_s == pytest.approx(5 / 60)
    assert demand_of("d", records[:5], window_s=1.0).images_per_s == pytest.approx(2.0)


def test_a_servers_time_is_that_without_its_queue(served) -> None:
    records = [served(number, number, 0.02 if number % 2 else 0.5, 1000 * (number + 1)) for number in range(100)]
    found = demand_of("d", records, window_s=60.0)
    assert found.server_s == pytest.approx(0.02)
    assert found.upload_bytes == pytest.approx(50_500)
    assert found.cores(0.02, busy_frac=0.5) == pytest.approx(found.images_per_s * 0.04)


def test_images_of_the_device_count_and_failures_tell_no_time(image, run) -> None:
    records = [
        image(0, run("local", 0.1), wall_s=START_S),
        image(1, run("cloud", 9.0, status="failed", timings=TIMES_S), wall_s=START_S + 10.0),
    ]
    found = demand_of("d", records, window_s=60.0)
    assert (found.images, found.images_per_s, found.server_s, found.upload_bytes) == (2, 2 / 60, None, None)
    with pytest.raises(ValueError, match="no images"):
        demand_of("d", [], window_s=60.0)


# The command


@pytest.fixture
def log(tmp_path: Path, served, image, run):
    def write(name: str, count: int, *, local: bool = False) -> Path:
        path = tmp_path / f"{name}.sqlite3"
        with closing(SqliteLog(path)) as store:
            for number in range(count):
                at_s = 10.0 * number
                store.append(
                    image(number, run("local", 0.1), wall_s=START_S + at_s) if local else served(number, at_s)
                )
        return path

    return write


def invoke(*arguments: object) -> tuple[int, list[dict[str, str]], str]:
    result = CliRunner().invoke(app, ["demand", *map(str, arguments)])
    return result.exit_code, list(csv.DictReader(io.StringIO(result.stdout))), result.stderr


def test_each_log_is_a_device_and_one_without_a_server_gets_the_others_time(log) -> None:
    status, rows, _ = invoke(log("hall", 361), f"door={log('log', 181, local=True)}", "--busy", 0.5)
    assert status == 0
    assert [row["id"] for row in rows] == ["hall", "door"]
    assert float(rows[0]["cores"]) == pytest.approx(0.1 * 0.02 / 0.5, rel=0.01)
    assert float(rows[1]["cores"]) == pytest.approx(0.1 * 0.02 / 0.5, rel=0.01)
    assert (rows[1]["server_s"], rows[1]["images"]) == ("", "181")


def test_the_columns_go_into_the_devices_of_the_last_plan(log, tmp_path: Path) -> None:
    devices = tmp_path / "users.csv"
    devices.write_text("id,lat,lon,cores\nhall,44.6,10.9,8\nyard,44.7,10.8,8\n")
    out = tmp_path / "measured.csv"
    status, _, told = invoke(log("hall", 361), "--devices", devices, "--out", out)
    assert (status, "1 devices measured" in told) == (0, True)
    hall, yard = csv.DictReader(out.open())
    assert (hall["lat"], float(hall["cores"]) < 0.01) == ("44.6", True)
    assert (yard["lon"], yard["cores"], yard["images"]) == ("10.8", "8", "")


def test_what_cannot_be_is_told_in_one_line(log, tmp_path: Path) -> None:
    hall, alone = log("hall", 3), log("alone", 3, local=True)
    columns = tmp_path / "columns.csv"
    columns.write_text("name,lat\nhall,44\n")
    others = tmp_path / "others.csv"
    others.write_text("id,lat\nyard,44\n")
    twice = tmp_path / "twice.csv"
    twice.write_text("id,lat\nhall,44\nyard,44\nyard,45\n")
    for arguments, words in (
        ((hall, "--devices", twice), "several rows of one `id`"),
        ((hall, hall), "two logs are of the device 'hall'"),
        ((alone,), "SHADOW_RATE"),
        ((tmp_path / "none.sqlite3",), "there is no log"),
        ((hall, "--window", "soon"), "--window 'soon' is no span"),
        ((hall, "--window", "0s"), "no span"),
        ((hall, "--devices", columns), "no column `id`"),
        ((hall, "--devices", others), "no device 'hall'"),
        ((hall, "--devices", tmp_path / "none.csv"), "cannot be read"),
        ((log("empty", 0),), "holds no images"),
    ):
        status, _, told = invoke(*arguments)
        assert (status, told.count("\n")) == (2, 1), told
        assert words in told
