"""Instances from files: what is given, what is drawn, and every mistake as one error that names its place."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fleet_planner.reading import read_json, read_tables
from offload_sdk.errors import ConfigurationError

_EDGES = "id,lat,lon\ne1,44.6,10.9\ne2,44.61,10.91\ne3,44.62,10.92\n"
_CLOUDS = "id,lat,lon\nmilan,45.46,9.19\ntown,44.65,10.93\nmilan2,45.46,9.19\n"


def _tables(folder: Path, devices: str, edges: str = _EDGES, clouds: str = _CLOUDS) -> list[Path]:
    paths = []
    for name, text in (("users", devices), ("sites", edges), ("clouds", clouds)):
        paths.append(folder / f"{name}.csv")
        paths[-1].write_text(text, encoding="utf-8")
    return paths


def test_what_is_not_given_is_drawn_by_the_seed(tmp_path: Path) -> None:
    many = "id,lat,lon\n" + "".join(f"e{n},44.6,10.9\n" for n in range(200))
    paths = _tables(tmp_path, "id,lat,lon\na,44.6,10.9\n", many)
    first, again, other = (read_tables(*paths, seed=seed) for seed in (1, 1, 2))
    assert (first.edges.cores == again.edges.cores).all()
    assert (first.edges.cores != other.edges.cores).any()
    assert set(zip(first.edges.cores.tolist(), first.edges.usd_per_h.tolist(), strict=True)) == {
        (40.0, 0.1134),
        (32.0, 0.0861),
        (24.0, 0.0567),
        (8.0, 0.0441),
    }
    assert (first.devices.cores.tolist(), first.devices.ram_mb.tolist()) == ([8.0], [1600.0])
    # The cloud among the edge servers is the municipal one, wherever it stands in the file.
    assert first.clouds.cores.tolist() == [192.0, 96.0, 96.0]
    assert first.clouds.usd_per_h.tolist() == [9.6768, 0.504, 5.376]
    assert set(first.uplinks.head.tolist()) == {1}
    assert (first.trunks.tail.tolist(), first.trunks.head.tolist()) == ([1, 1], [0, 2])


def test_what_is_given_counts_cell_by_cell(tmp_path: Path) -> None:
    paths = _tables(
        tmp_path,
        "ID;Latitude;Longitude;name;cores\na;44,6;10.9;x;\n".replace("44,6", "44.6"),
        "id,lat,lon,cores,ram_gb,usd_per_h,url\ne1,1,2,16,2,0.5,http://e1:8080\n\ne2,1,2,,,,\n",
        "id,lat,lon,kind\nc1,0,0,on_demand\nc2,0,0,municipal\n",
    )
    found = read_tables(*paths)
    assert found.devices.cores.tolist() == [8.0]
    assert (found.edges.cores[0], found.edges.ram_mb[0], found.edges.usd_per_h[0]) == (16.0, 2048.0, 0.5)
    assert found.edges.urls == ("http://e1:8080", None)
    assert found.edges.ram_mb[1] == 256 * 1024
    assert found.uplinks.head.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("devices", "said"),
    [
        ("", "the columns id, lat and lon"),
        ("id,lat\n", "no lon"),
        ("id,lat,lat,lon\n", "lat more than once"),
        ("id,lat,lon\na,1,2\nb,nan,2\n", "users.csv, line 3: lat"),
        ("id,lat,lon\na,1,inf\n", "users.csv, line 2: lon"),
        ("id,lat,lon\na,91,2\n", "users.csv, line 2: lat"),
        ("id,lat,lon\na,1,-181\n", "users.csv, line 2: lon"),
        ("id,lat,lon\na,x,2\n", "users.csv, line 2: lat"),
        ("id,lat,lon\na,,2\n", "users.csv, line 2: lat"),
        ("id,lat,lon\n,1,2\n", "users.csv, line 2: id"),
        ("id,lat,lon\na,1\n", "users.csv, line 2: 2 cells under 3"),
        ("id,lat,lon,cores\na,1,2,-1\n", "users.csv, line 2: cores"),
        ("id,lat,lon\na,1,2\nb,1,2\na,3,4\n", "users.csv, line 4: the id 'a' stands twice"),
        ('id,lat,lon\n"a,1,2\n', "users.csv, line 2"),
    ],
)
def test_a_mistake_in_a_table_names_file_line_and_column(tmp_path: Path, devices: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_tables(*_tables(tmp_path, devices))
    assert said in str(caught.value)


def test_a_server_s_mistakes_are_told_too(tmp_path: Path) -> None:
    for edges, said in (
        ("id,lat,lon,usd_per_h\ne,1,2,-3\n", "sites.csv, line 2: usd_per_h"),
        ("id,lat,lon\ne,1,2\ne,1,2\n", "sites.csv, line 3: the id 'e' stands twice"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            read_tables(*_tables(tmp_path, "id,lat,lon\n", edges))
    with pytest.raises(ConfigurationError, match=r"clouds.csv, line 2: kind"):
        read_tables(*_tables(tmp_path, "id,lat,lon\n", clouds="id,lat,lon,kind\nc,1,2,town\n"))


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    paths = _tables(tmp_path, "")
    paths[0].write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="UTF-8"):
        read_tables(*paths)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_tables(tmp_path / "none.csv", paths[1])


def test_a_cloud_that_shares_an_edge_server_s_id_is_told_apart(tmp_path: Path) -> None:
    found = read_tables(*_tables(tmp_path, "id,lat,lon\n", clouds="id,lat,lon\ne1,1,2\n"))
    assert (found.edges.ids[0], found.clouds.ids[0]) == ("e1", "cloud:e1")


def test_a_document_may_say_its_links(tmp_path: Path) -> None:
    path = tmp_path / "fleet.json"
    document = {
        "devices": [{"id": 7, "lat": 1, "lon": 2, "ram_gb": 1}],
        "edges": [{"id": "e", "lat": 1, "lon": 2}],
        "clouds": [{"id": "c", "lat": 1, "lon": 2}, {"id": "d", "lat": 1, "lon": 2}],
        "links": [{"from": "e", "to": "d", "bandwidth_bps": 5}, {"from": "d", "to": "c"}],
        "payload_bytes": 1000,
    }
    path.write_text(json.dumps(document))
    found = read_json(path)
    assert found.devices.ids == ("7",)
    assert found.devices.ram_mb.tolist() == [1024.0]
    assert (found.uplinks.head.tolist(), found.uplinks.bandwidth_bps.tolist()) == ([1], [5.0])
    assert (found.trunks.tail.tolist(), found.trunks.bandwidth_bps.tolist()) == ([1], [1e12])
    assert found.payload_bytes == 1000
    for change, said in (
        ({"links": [{"from": "e", "to": "e"}]}, "'e' is none"),
        ({"links": [{"from": "x", "to": "c"}]}, "'x' is no other server"),
        ({"devices": [{"id": "a", "lat": 1}]}, r"devices\.0\.lon"),
        ({"devices": [{"id": "a", "lat": 1, "lon": 2}] * 2}, r"devices\[1\]: the id 'a' stands twice"),
        ({"typo": 1}, "typo"),
    ):
        path.write_text(json.dumps(document | change))
        with pytest.raises(ConfigurationError, match=said):
            read_json(path)
    path.write_text("{")
    with pytest.raises(ConfigurationError, match=r"fleet\.json"):
        read_json(path)


def test_no_rows_are_no_mistake(tmp_path: Path) -> None:
    header = "id,lat,lon\n"
    found = read_tables(*_tables(tmp_path, header, header, header))
    assert (len(found.devices), len(found.edges), len(found.clouds)) == (0, 0, 0)
    assert found.devices.lat_deg.dtype == np.float64
