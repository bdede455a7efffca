"""The page and its pictures: complete in themselves, accessible, and nothing in a name can break out of them."""

from __future__ import annotations

import dataclasses
import re
import sys
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from report_kit import experiment, html, imported

from offload_sdk.baseline.report import write
from offload_sdk.baseline.report.contents import contents
from offload_sdk.baseline.report.images import distribution, drift, over_size
from offload_sdk.baseline.report.ways import ways_of
from offload_sdk.errors import ConfigurationError, OffloadError

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

HOSTILE = "<script>a$b$</script>\"'&]]>\x1b[31m東京"


class Page(HTMLParser):
    """What stands in the page: ids, headings, elements by name, and all attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            self.attributes.append((tag, name, value))
            if name == "id" and value is not None:
                self.ids.append(value)


@pytest.fixture(scope="module")
def text() -> str:
    return html(*experiment(images=12))


def test_all_files_are_returned_and_there_and_the_same_each_time(tmp_path: Path) -> None:
    written = write(imported(), [], tmp_path / "one")
    assert {path.name for path in written} == {path.name for path in (tmp_path / "one").iterdir()}
    names = [path.name for path in written]
    assert names[-3:] == ["table_1.csv", "table_2.csv", "report.html"]
    for figure in ("figure_7_total_time", "figure_8_time_per_image", "figure_9_cost"):
        assert (tmp_path / "one" / f"{figure}.png").read_bytes().startswith(b"\x89PNG")
        ET.parse(tmp_path / "one" / f"{figure}.svg")
    again = write(imported(), [], tmp_path / "two")
    assert [path.read_bytes() for path in written] == [path.read_bytes() for path in again]


def test_the_page_loads_nothing(text: str) -> None:
    page = Page(text)
    assert not {"script", "iframe", "img", "object", "embed", "form", "base", "meta http-equiv"} & set(page.tags)
    for tag, name, value in page.attributes:
        assert not name.startswith("on")
        if name in ("src", "href", "xlink:href", "data", "action"):
            assert value == "data:," or (value or "").startswith("#"), (tag, name, value)
        elif not name.startswith("xmlns"):
            assert "http" not in (value or ""), (tag, name, value)
    styles = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert styles
    assert all("url(" not in style and "@import" not in style for style in styles)


def test_the_page_is_accessible(text: str) -> None:
    page = Page(text)
    assert len(page.ids) == len(set(page.ids))
    levels = [int(tag[1]) for tag in page.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))
    assert page.tags.count("table") == page.tags.count("caption")
    heads = [(name, value) for tag, name, value in page.attributes if tag == "th"]
    assert len(heads) == page.tags.count("th")
    assert {name for name, _ in heads} == {"scope"}
    assert page.tags.count("figure") == page.tags.count("figcaption") == text.count('role="img"') >= 7
    assert all(value for tag, name, value in page.attributes if name == "aria-label")
    references = [value for _, name, value in page.attributes if name == "href" and value != "data:,"]
    assert {value.removeprefix("#") for value in references if value} <= set(page.ids)
    clips = set(re.findall(r"url\(#([^)]+)\)", text))
    assert clips
    assert clips <= set(page.ids)


def test_a_hostile_name_is_text(tmp_path: Path) -> None:
    summary, measurements = experiment(images=6, clouds=(HOSTILE,), prefix=HOSTILE)
    summary = dataclasses.replace(summary, machine={HOSTILE: HOSTILE}, links={HOSTILE: {HOSTILE: HOSTILE}})
    write(summary, measurements, tmp_path)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert "\x1b" not in text
    assert "&lt;script&gt;" in text
    assert "script" not in Page(text).tags
    assert "a$b$" in text
    assert "東京" in text
    for picture in tmp_path.glob("*.svg"):
        assert not any(element.tag.endswith("script") for element in ET.parse(picture).iter())


def test_imported_runs_have_the_parts_that_they_have_data_for() -> None:
    text = html(imported(), [])
    assert [tag for tag in Page(text).tags if tag == "figure"] == 5 * ["figure"]
    assert "ec2, by 4.7 %" in text
    assert "fargate, by 22.2 %" in text
    assert "5.6" in text  # times the list price is what Fargate is stated to cost
    assert 'id="images"' not in text
    assert 'id="energy"' not in text


def test_a_few_images_make_a_line_that_does_not_go_back_and_forth() -> None:
    summary, measurements = experiment(images=5, repeat=12)
    figure = over_size(ways_of(summary), measurements)
    assert figure is not None
    for line in figure.axes[0].lines:
        sizes = list(line.get_xdata())
        assert len(sizes) == 5
        assert sizes == sorted(set(sizes))


def test_what_is_free_and_how_many_runs_there_were_is_said() -> None:
    summary, measurements = experiment(images=4)
    local, *others = summary.targets
    for cost_usd, told in ((0.0, True), (0.01, False)):
        few = dataclasses.replace(local.series, runs=local.series.runs[:2], mean_cost_usd=cost_usd)
        targets = (dataclasses.replace(local, series=few), *others)
        found = contents(dataclasses.replace(summary, targets=targets), measurements)
        (section,) = [section for section in found.sections if section.anchor == "cost"]
        assert any("its energy has no price" in note for note in section.notes) is told
        assert "3 targets, up to 3 runs of each" in found.facts


def test_a_server_that_says_that_it_took_no_time_spoils_no_report() -> None:
    summary, measurements = experiment(images=2)
    claimed = [dataclasses.replace(m, server_s=0.0) for m in measurements]
    assert any(section.anchor == "cost" for section in contents(summary, claimed).sections)


def test_images_that_were_never_answered_have_no_curve_and_no_error() -> None:
    summary, measurements = experiment(images=4, clouds=("cloud",))
    ways = ways_of(summary)
    failed = [dataclasses.replace(m, failure="refused") for m in measurements if m.target == "cloud"]
    assert distribution(ways, failed) is None
    assert over_size(ways, failed) is None
    assert drift(ways, failed) is None


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OffloadError, match="cannot be made"):
        write(imported(), [], tmp_path / "file")


@pytest.mark.parametrize("module", ["matplotlib.figure", "jinja2"])
def test_a_missing_extra_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    monkeypatch.setitem(sys.modules, module, None)  # as if it were not installed
    with pytest.raises(ConfigurationError, match=r"pip install 'offload-sdk\[report\]'"):
        write(imported({"a": [(1.0, 0.1, 0.1)]}), [], tmp_path)
