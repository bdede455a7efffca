"""Pictures that go straight to a server: from the device's page, past the SDK, and from the server's own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import requests
from page_kit import LivePage, model_server, page_for

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
expect.set_options(timeout=20_000)


def post_directly(page: Any, address: str, picture: Path) -> None:
    page.get_by_label("Straight to a server").check()
    page.get_by_label("Server’s address").fill(address)
    page.set_input_files("#file", picture)


def test_a_server_that_lets_the_page_in_answers(
    device: LivePage, cloud: str, open_page: Any, pictures: list[Path]
) -> None:
    page = open_page(device.url, elsewhere=(cloud,))
    post_directly(page, f"{cloud}/", pictures[0])
    expect(page.locator("#labels li")).to_have_count(3)
    expect(page.locator("#who")).to_contain_text("By the server, directly")
    expect(page.locator("#steps")).to_contain_text("inference")  # of the server, by Server-Timing
    expect(page.locator("#steps")).to_contain_text("network")
    expect(page.locator("#options")).to_contain_text("nothing is predicted")
    expect(page.get_by_role("img", name="Server, directly: median")).to_be_visible()


def test_another_make_of_server_need_not_name_its_answers(
    device: LivePage, open_page: Any, pictures: list[Path]
) -> None:
    page = open_page(device.url, elsewhere=("http://other.test",))
    answer = {"predictions": [{"label": "a cat", "probability": 0.9}]}
    page.route(
        "http://other.test/analyze",
        lambda route: route.fulfill(json=answer, headers={"Access-Control-Allow-Origin": "*"}),
    )
    for count in ("1 run", "2 runs"):
        post_directly(page, "http://other.test", pictures[0])
        expect(page.locator("#verdict")).to_contain_text("a cat")
        expect(page.locator("#summary")).to_contain_text(re.compile(f"Server, directly: median .* over {count},"))


def test_a_server_that_does_not_is_explained(
    device: LivePage, cloud: str, open_page: Any, pictures: list[Path]
) -> None:
    origin = f"http://localhost:{device.port}"
    page = open_page(f"{origin}/", elsewhere=(cloud,), expected=("CORS", "ERR_FAILED"))
    post_directly(page, cloud, pictures[0])
    expect(page.get_by_role("alert")).to_contain_text(f"Start it with --cors-origin {origin}")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://127.0.0.1:9", "No server answers at http://127.0.0.1:9"),
        ("", "Enter the server’s address"),
        ("ftp://x", "Enter the server’s address"),
        ("http://user:secret@127.0.0.1:9", "must hold no password"),
    ],
)
def test_an_address_where_nobody_is_or_that_is_none_is_told(
    device: LivePage, open_page: Any, pictures: list[Path], address: str, words: str
) -> None:
    page = open_page(device.url, elsewhere=("http://127.0.0.1:9/",), expected=("ERR_",))
    post_directly(page, address, pictures[0])
    expect(page.get_by_role("alert")).to_contain_text(words)


def test_nothing_goes_past_the_hook_that_redacts(open_page: Any, tmp_path: Path) -> None:
    with page_for(tmp_path, redact="numpy:flipud") as hidden:
        page = open_page(hidden.url)
        expect(page.get_by_label("Straight to a server")).to_be_disabled()
        expect(page.locator("#way-note")).to_contain_text("past the hook redact")
        assert "connect-src 'self';" in requests.get(hidden.url, timeout=20).headers["Content-Security-Policy"]


def test_the_server_s_own_page_asks_for_its_token(open_page: Any, pictures: list[Path], tmp_path: Path) -> None:
    with model_server(tmp_path, tokens=("secret",)) as url:
        page = open_page(f"{url}/ui/", expected=("status of 401",))
        expect(page.get_by_label("Token")).to_be_visible()
        page.set_input_files("#file", pictures[0])
        expect(page.get_by_role("alert")).to_contain_text("a valid token is needed".capitalize())
        expect(page.get_by_label("Token")).to_be_focused()
        page.get_by_label("Token").fill("secret")
        page.keyboard.press("Enter")
        expect(page.locator("#labels li")).to_have_count(3)
        expect(page.get_by_role("alert")).to_be_hidden()
        expect(page.locator("#who")).to_contain_text("At this server")
        for hidden in ("#device", "#compare", "#ways"):
            expect(page.locator(hidden)).to_be_hidden()
        assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]
