"""`offload-sdk plan` from one end to the other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from offload_sdk._plan import planned_servers
from offload_sdk.cli.app import app

_SITES = "id,lat,lon,cores,usd_per_h,url\ne1,44.64,10.93,8,0.1,http://e1\ne2,44.64,10.931,16,0.3,http://e2\n"
_USERS = "id,lat,lon\na,44.64,10.93\nb,44.64,10.9305\nc,44.64,10.931\nd,44.64,10.931\nfar,45.64,10.93\n"


def _plan(*arguments: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["plan", *map(str, arguments)])
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def tables(tmp_path: Path) -> list[object]:
    (tmp_path / "users.csv").write_text(_USERS)
    (tmp_path / "sites.csv").write_text(_SITES)
    return ["--devices", tmp_path / "users.csv", "--edges", tmp_path / "sites.csv"]


@pytest.mark.parametrize("objective", ["cost", "delay", "cost-delay", "delay-cost", "weighted"])
def test_a_plan_says_all_that_is_asked_of_it(tables: list[object], tmp_path: Path, objective: str) -> None:
    out = tmp_path / "plan.json"
    status, printed, _ = _plan(*tables, "--technology", "5G", "--objective", objective, "--out", out)
    assert status == 0
    plan = json.loads(out.read_text())
    assert plan["status"] == "optimal"
    assert plan["gap"] == pytest.approx(0.0, abs=1e-6)
    assert plan["bound"] == pytest.approx(plan["objective"])
    assert (plan["served"], plan["acceptance_frac"]) == (3, 0.6)
    assert plan["cost_usd_per_h"] == pytest.approx(0.4)
    assert 0.0 < plan["mean_delay_s"] < 0.1
    assert plan["solve_s"] > 0.0
    loads = {name: server["devices"] for name, server in plan["servers"].items()}
    assert loads == {"e1": 1, "e2": 2}
    for row in plan["assignments"].values():
        assert row["path"] == [row["server"]]
        assert set(row["alternatives"]) == {"e1", "e2"} - {row["server"]}
    assert sorted(each["reason"] for each in plan["unserved"].values()) == ["no capacity", "out of range"]
    assert plan["unserved"]["far"]["nearest_edge_m"] == pytest.approx(111_195, rel=1e-3)
    assert "served    3 of 5 devices (60.0 %)" in printed
    assert "far: out of range, nearest edge server 111," in printed


def test_a_device_reads_its_servers_from_the_plan(tables: list[object], tmp_path: Path) -> None:
    out = tmp_path / "plan.json"
    assert _plan(*tables, "--technology", "5G", "--out", out)[0] == 0
    plan = json.loads(out.read_text())
    for name, row in plan["assignments"].items():
        found = planned_servers(out, name)
        assert [server.name for server in found] == [row["server"], *row["alternatives"]]
        assert {server.url for server in found} == {"http://e1", "http://e2"}
    assert planned_servers(out, "far") == ()


def test_a_path_through_clouds_lists_its_hops(tmp_path: Path) -> None:
    document = {
        "devices": [{"id": "a", "lat": 44.6, "lon": 10.9}],
        "edges": [{"id": "e", "lat": 44.6, "lon": 10.9, "cores": 0}],
        "clouds": [
            {"id": "town", "lat": 44.6, "lon": 10.9, "cores": 4},
            {"id": "milan", "lat": 45.46, "lon": 9.19},
        ],
    }
    whole = tmp_path / "fleet.json"
    whole.write_text(json.dumps(document))
    status, printed, _ = _plan(whole, "--technology", "4G", "--json")
    assert status == 0
    row = json.loads(printed)["assignments"]["a"]
    assert (row["server"], row["path"]) == ("milan", ["e", "town", "milan"])
    assert 3 * 0.4 * 0.8 < row["delay_s"] < 3 * 0.4 * 1.2 + 0.01
    inner = json.loads(_plan(whole, "--technology", "4G", "--json", "--link-rates")[1])["assignments"]["a"]
    assert 0.4 * 0.8 < inner["delay_s"] < 0.4 * 1.2 + 0.01


def test_without_time_the_plan_says_that_nothing_is_proven() -> None:
    options = ("--city", 60, "--objective", "delay", "--time-limit", 0)
    status, printed, _ = _plan(*options)
    assert status == 0
    assert "time is over; nothing is proven" in printed
    plan = json.loads(_plan(*options, "--json")[1])
    assert (plan["status"], plan["bound"], plan["gap"]) == ("time_limit", None, None)
    assert plan["served"] > 0


def test_the_same_seed_gives_the_same_plan() -> None:
    first, again, other = (
        json.loads(_plan("--city", 30, "--technology", "5G", "--seed", seed, "--json")[1]) for seed in (3, 3, 4)
    )
    assert first["assignments"] == again["assignments"] != other["assignments"]


def test_a_saved_instance_is_planned_alike(tmp_path: Path) -> None:
    saved = tmp_path / "city.json"
    options = ("--technology", "mbd", "--seed", 5, "--json")
    first = json.loads(_plan("--city", 25, *options, "--save", saved)[1])
    again = json.loads(_plan(saved, *options)[1])
    assert {**again, "solve_s": first["solve_s"]} == first


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_the_map_is_drawn(tables: list[object], tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"map.{suffix}"
    status, _, told = _plan(*tables, "--map", path)
    assert (status, path.stat().st_size > 5000) == (0, True)
    assert f"wrote {path}" in told


def test_nobody_one_and_all_at_one_place(tmp_path: Path) -> None:
    sites = tmp_path / "sites.csv"
    users = tmp_path / "users.csv"
    for devices, servers, served in ((0, 0, 0), (0, 2, 0), (1, 0, 0), (1, 1, 1), (9, 4, None)):
        users.write_text("id,lat,lon\n" + "".join(f"u{n},44.6,10.9\n" for n in range(devices)))
        sites.write_text("id,lat,lon\n" + "".join(f"s{n},44.6,10.9\n" for n in range(servers)))
        status, printed, _ = _plan("--devices", users, "--edges", sites, "--json", "--map", tmp_path / "m.png")
        if not devices and not servers:  # nothing to draw
            assert status == 2
            status, printed, _ = _plan("--devices", users, "--edges", sites, "--json")
        assert status == 0
        plan = json.loads(printed)
        assert plan["status"] == "optimal"
        assert served is None or plan["served"] == served
        assert plan["acceptance_frac"] == (None if not devices else plan["served"] / devices)
        assert (plan["mean_delay_s"] is None) == (plan["served"] == 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "INSTANCE.json"),
        (["--city", "3", "--devices", "x.csv"], "name one of"),
        (["--devices", "x.csv"], "go together"),
        (["--city", "3", "--technology", "7G"], "'7G'"),
        (["--city", "3", "--objective", "best"], "'best'"),
        (["--city", "3", "--objective", "weighted", "--weight", "inf"], "--weight"),
        (["none.json"], "cannot be read"),
        (["--city", "3", "--map", "map.bmp"], ".png"),
    ],
)
def test_wrong_usage_is_one_line(arguments: list[str], said: str) -> None:
    status, _, told = _plan(*arguments)
    assert status == 2
    assert said in told
    assert told.count("\n") == 1
