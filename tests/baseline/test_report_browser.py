"""The page in a browser: nothing is fetched, nothing complains, nothing is cut off, on screen, phone and paper."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from report_kit import experiment, html, imported

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

PATIENCE_MS = 60_000
_LUMINANCE = """([ink, paper]) => {
    const light = colour => {
        const [r, g, b] = colour.match(/[\\d.]+/g).map(Number)
            .map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const [a, b] = [light(ink), light(paper)].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    playwright = pytest.importorskip("playwright.sync_api")
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("needs Chromium")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    made = {
        "measured": experiment(images=12, clouds=("a-server-with-quite-a-long-name", "ec2")),
        "imported": (imported(), []),
    }
    for name, (summary, measurements) in made.items():
        (folder / f"{name}.html").write_text(html(summary, measurements), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in made}


def opened(browser: Browser, path: Path, **context: Any) -> tuple[Any, list[str], list[str]]:
    """Open the page and return it with what stands on its console and what it asked for."""
    page = browser.new_context(offline=True, **context).new_page()
    page.set_default_timeout(PATIENCE_MS)
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    return page, said, asked


@pytest.mark.parametrize("name", ["measured", "imported"])
@pytest.mark.parametrize("width", [1200, 360])
def test_it_fetches_nothing_and_no_text_runs_out_of_the_page(
    browser: Browser, pages: dict[str, Path], name: str, width: int
) -> None:
    page, said, asked = opened(browser, pages[name], viewport={"width": width, "height": 800})
    assert said == []
    assert [url for url in asked if not url.startswith("data:")] == [pages[name].as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    inside = "e => e.every(s => s.getBoundingClientRect().width > 100 && s.getBoundingClientRect().height > 100)"
    assert page.eval_on_selector_all("figure svg", inside)
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_pictures_stand_out_in_light_and_dark(
    browser: Browser, pages: dict[str, Path], scheme: Any
) -> None:
    page, _, _ = opened(browser, pages["measured"], color_scheme=scheme)
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    for selector, property_, least in (
        ("h1", "color", 7.0), (".quiet", "color", 4.5), ("nav a", "color", 4.5), ("td", "color", 7.0),
        ("figcaption", "color", 4.5), ("figure svg text", "fill", 7.0), ("dl.findings dt", "color", 4.5),
    ):  # fmt: skip
        ink = page.eval_on_selector(selector, f"e => getComputedStyle(e).{property_}")
        assert page.evaluate(_LUMINANCE, [ink, paper]) >= least, selector
    page.context.close()


def test_it_is_black_on_white_on_paper_and_nothing_is_scrolled_away(
    browser: Browser, pages: dict[str, Path]
) -> None:
    page, _, _ = opened(browser, pages["measured"], color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(27, 31, 36)"
    page.set_viewport_size({"width": 680, "height": 900})  # A4 without its margins
    cut = "e => e.filter(w => w.scrollWidth > w.clientWidth + 1).map(w => w.getAttribute('aria-label'))"
    assert page.eval_on_selector_all(".wide, figure > div", cut) == []
    assert page.pdf(format="A4").startswith(b"%PDF")
    page.context.close()


def test_headings_landmarks_and_pictures_have_names(browser: Browser, pages: dict[str, Path]) -> None:
    page, _, _ = opened(browser, pages["measured"])
    assert page.get_by_role("heading", level=1).count() == 1
    assert page.get_by_role("main").count() == 1
    pictures = page.get_by_role("img").all()
    assert len(pictures) >= 9
    assert all(picture.get_attribute("aria-label") for picture in pictures)
    assert (
        page.get_by_role("table", name="Table 2. Means over the runs, with their standard deviations").count() == 1
    )
    assert page.get_by_role("rowheader", name="local").count() >= 4
    page.context.close()
