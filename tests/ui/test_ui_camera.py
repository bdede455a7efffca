"""The page's camera in a real browser, whose camera is a test picture: granted, refused, and out of its reach."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from page_kit import INSECURE_HOST, LivePage, page_for

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
expect.set_options(timeout=20_000)


def test_the_camera_s_picture_is_classified_once_and_again_and_again(device: LivePage, open_page: Any) -> None:
    page = open_page(device.url, permissions=["camera"])
    camera = page.locator("#camera")
    camera.click()
    expect(page.locator("#video")).to_be_visible()
    expect(camera).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Take and classify").click()
    expect(page.locator("#labels li")).to_have_count(3)
    page.get_by_label("Seconds between repetitions").select_option("0.5")
    before = page.locator("#chart .dot").count()
    page.get_by_label("Repeat every").check()
    expect(page.locator("#chart .dot").nth(before + 1)).to_be_attached()
    page.get_by_label("Repeat every").uncheck()
    camera.click()
    expect(page.locator("#video")).to_be_hidden()
    assert page.evaluate("document.querySelector('#video').srcObject") is None


def test_a_refused_camera_is_told(device: LivePage, open_page: Any) -> None:
    page = open_page(device.url)
    page.get_by_role("button", name="Camera").click()
    expect(page.get_by_role("alert")).to_contain_text("The camera was refused")
    expect(page.locator("#video")).to_be_hidden()


def test_without_a_secure_context_the_page_says_what_to_do(open_page: Any, tmp_path: Path) -> None:
    with page_for(tmp_path, token="a-secret") as page_there:
        page = open_page(f"http://{INSECURE_HOST}:{page_there.port}/?token=a-secret", expected=("untrustworthy",))
        assert page.url == f"http://{INSECURE_HOST}:{page_there.port}/"
        page.get_by_role("button", name="Camera").click()
        expect(page.get_by_role("alert")).to_contain_text("--tls-cert")
