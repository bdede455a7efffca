"""Text, page and picture say what the table says, and nothing in a log can break out of the page."""

from __future__ import annotations

import io
import json
import re
import struct
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from offload_sdk.errors import ConfigurationError
from offload_sdk.report import summarise
from offload_sdk.report.html import page
from offload_sdk.report.render import HEADER, cells, plain, rich_table, to_dict


@pytest.mark.light
def test_plain_text_is_aligned_and_complete(run: Any, image: Any) -> None:
    report = summarise(
        [
            image(0, run("local", 0.1, energy_j=0.125, energy_source="modelled")),
            image(1, run("cloud", 1.5, cost_usd=2e-6, sent_bytes=14_200), run("local", 0.09, "shadow")),
        ]
    )
    text = plain(report)
    lines = text.splitlines()
    assert lines[0].startswith("2 images, 2 answered; 0 by fallback; policy auto (2); 1970-01-01 00:16:40")
    (cloud,) = [line for line in lines if line.startswith("cloud")][:1]
    assert re.split(r"\s{2,}", cloud) == [
        *("cloud", "1", "1", "0", "1,500 ms", "1,500 ms", "1,500 ms", "-", "0.002", "14.2 kB", "97 %", "0 %")
    ]
    assert "0.125 J modelled" in text
    assert "Baseline: every path on the same images, picked by chance (1 images)" in text
    assert "\x1b" not in text
    assert plain(summarise([])) == "The log holds no images."


@pytest.mark.light
def test_a_table_for_a_terminal(run: Any, image: Any) -> None:
    from rich.console import Console

    report = summarise([image(0, run("[red]odd", 0.1))])
    for width in (200, 60):
        console = Console(width=width, record=True, file=io.StringIO())
        console.print(rich_table(report, columns=width))
        text = console.export_text()
        for cell in (*HEADER, *cells(report)[0], "[red]odd"):
            assert cell in text


@pytest.mark.light
def test_json_has_the_names_of_the_report(run: Any, image: Any) -> None:
    document = json.loads(json.dumps(to_dict(summarise([image(0, run("local", 0.1))]))))
    assert document["images"] == 1
    assert document["options"][0]["latency_s"] == {"count": 1, "mean": 0.1, "p50": 0.1, "p95": 0.1}


@pytest.mark.light
def test_the_page_escapes_what_comes_from_the_log(run: Any, image: Any) -> None:
    record = image(0, run("<script>alert(1)</script>", 0.1))
    text = page(summarise([record]), source='a"<b>.sqlite3')
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "<b>" not in text
    ET.fromstring(text.partition("\n")[2])  # well-formed, so nothing is left open


def test_the_picture_is_a_png_of_some_size(tmp_path: Path, run: Any, image: Any) -> None:
    chart = pytest.importorskip("offload_sdk.report.chart")
    pytest.importorskip("matplotlib")
    records = [
        image(number, run("cloud" if number % 2 else "local", 0.05 + 0.01 * number)) for number in range(20)
    ]
    records.append(
        image(200, run("cloud", 3.0, status="failed", censored=True), run("local", 0.1, "fallback"), fallback=True)
    )
    records.append(image(201, run("local", 0.1), run("cloud", 0.06, "shadow")))
    target = tmp_path / "picture.png"
    chart.decisions(records, target)
    content = target.read_bytes()
    assert content.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", content[16:24])
    assert (width, height) == (1650, 930)


def test_the_picture_in_a_page_is_escaped(run: Any, image: Any) -> None:
    pytest.importorskip("matplotlib")
    from offload_sdk.report.chart import svg

    text = svg([image(0, run("<script>$x", 0.1)), image(1, run("local", 0.1))])
    assert "<script" not in text
    assert ET.fromstring(text).tag.endswith("svg")
    assert text in page(summarise([]), source="log", chart=text)


def test_what_cannot_be_drawn_is_said(tmp_path: Path, run: Any, image: Any) -> None:
    pytest.importorskip("matplotlib")
    from offload_sdk.report.chart import decisions

    with pytest.raises(ConfigurationError, match="no images"):
        decisions([], tmp_path / "x.png")
    with pytest.raises(ConfigurationError, match=r"must end in \.png"):
        decisions([image(0, run("local", 0.1))], tmp_path / "x.doc")
