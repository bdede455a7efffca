"""The device's page in a real browser: pictures in, answers out, by keyboard, on a phone, when things fail."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from page_kit import LivePage, page_for

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
expect.set_options(timeout=20_000)

WRONG_FILE = ("status of 400",)  # a browser tells the console of every answer that is an error


def answered(page: Any) -> None:
    expect(page.locator("#labels li")).to_have_count(3)
    expect(page.locator("#answer")).not_to_have_attribute("aria-busy", "true")


def test_a_picture_gets_its_classes_and_the_reason(device: LivePage, open_page: Any, pictures: list[Path]) -> None:
    page = open_page(device.url)
    page.set_input_files("#file", pictures[0])
    answered(page)
    expect(page.locator("#verdict")).to_contain_text("%")
    expect(page.locator("#who")).to_contain_text("ms")
    expect(page.locator("#reason")).to_contain_text("Why: ")
    expect(page.locator("#announce")).to_contain_text(page.locator("#labels .name").first.inner_text())
    expect(page.get_by_role("row", name="Device")).to_contain_text("ms")
    expect(page.get_by_role("row", name="Cloud: edge")).to_contain_text("ms")
    expect(page.locator("#status")).to_contain_text("Link to edge")
    expect(page.get_by_role("img", name="Chart.")).to_be_visible()


def test_run_both_shows_what_the_other_side_takes(device: LivePage, open_page: Any, pictures: list[Path]) -> None:
    page = open_page(device.url)
    page.get_by_label("On the device").check()
    page.set_input_files("#file", pictures[0])
    answered(page)
    expect(page.locator("#who")).to_contain_text("On the device")
    expect(page.get_by_role("row", name="Cloud: edge")).to_contain_text("not run")
    expect(page.locator("#difference")).to_contain_text("What would it have taken in the cloud")
    page.get_by_role("button", name="Run both").click()
    expect(page.locator("#difference")).to_contain_text("quicker. Both say")
    expect(page.locator("#steps h3")).to_have_count(2)
    page.get_by_label("In the cloud").check()
    page.get_by_role("button", name="Classify again").click()
    expect(page.locator("#who")).to_contain_text("In the cloud (edge)")
    page.get_by_text("The same as a table").click()
    expect(page.locator("#table tbody tr").nth(2)).to_be_visible()


def test_several_pictures_go_one_after_the_other(device: LivePage, open_page: Any, pictures: list[Path]) -> None:
    page = open_page(device.url)
    expect(page.locator("#status")).not_to_be_empty()
    before = page.locator("#chart .dot").count()
    page.set_input_files("#file", pictures)
    expect(page.locator("#progress")).to_have_text(f"{len(pictures)} of {len(pictures)}")
    answered(page)
    assert page.locator("#chart .dot").count() >= before + len(pictures)


def test_a_picture_is_dropped_or_pasted(device: LivePage, open_page: Any, pictures: list[Path]) -> None:
    page = open_page(device.url)
    expect(page.locator("#ways")).to_be_visible()
    give = """([kind, bytes]) => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(bytes)], "given.jpg", {type: "image/jpeg"}));
        const Kind = {drop: DragEvent, paste: ClipboardEvent}[kind];
        const init = {bubbles: true, cancelable: true, dataTransfer: data, clipboardData: data};
        document.querySelector("#stage").dispatchEvent(new Kind(kind, init));
    }"""
    for kind, picture in zip(("drop", "paste"), pictures, strict=False):
        page.evaluate(give, [kind, list(picture.read_bytes())])
        expect(page.get_by_alt_text("The picture given.jpg")).to_be_visible()
        answered(page)
    page.evaluate(
        "document.body.dispatchEvent(new DragEvent('drop', {bubbles: true, dataTransfer: new DataTransfer()}))"
    )
    expect(page.get_by_role("alert")).to_contain_text("That was no picture")


@pytest.mark.parametrize(
    "name", ["<img src=x onerror=alert(1)>.jpg", "notes.txt", "'\"><svg onload=alert(1)>.png"]
)
def test_a_wrong_file_is_told_in_words_and_its_name_is_no_html(
    device: LivePage, open_page: Any, name: str
) -> None:
    page = open_page(device.url, expected=WRONG_FILE)
    page.set_input_files("#file", {"name": name, "mimeType": "image/jpeg", "buffer": b"no picture"})
    expect(page.get_by_role("alert")).to_contain_text(f"{name}: ")
    expect(page.get_by_role("alert")).to_contain_text("not an image")
    expect(page.locator("#verdict")).to_have_text("No answer")
    assert page.locator("#problem *").count() == 0
    assert page.locator("[onerror], [onload]").count() == 0


def test_a_picture_that_is_too_large_is_not_even_sent(cloud: str, open_page: Any, tmp_path: Path) -> None:
    with page_for(tmp_path, limits={"max_image_bytes": 5000}) as small:
        page = open_page(small.url)
        expect(page.locator("#way-note")).to_contain_text("No server is configured")
        expect(page.get_by_label("In the cloud")).to_be_disabled()
        page.set_input_files("#file", {"name": "big.jpg", "mimeType": "image/jpeg", "buffer": b"x" * 6000})
        expect(page.get_by_role("alert")).to_have_text("big.jpg: It has 6 kB, and at most 5 kB are taken.")


def test_everything_is_done_by_keyboard(device: LivePage, open_page: Any, pictures: list[Path]) -> None:
    page = open_page(device.url)
    expect(page.locator("#ways")).to_be_visible()
    page.set_input_files("#file", pictures[0])
    answered(page)
    page.locator("body").press("Tab")
    wanted = ["#input", "file", "camera", "auto", "go", "repeat", "period", "both", "SUMMARY"]
    for name in wanted:
        stop, drawn = page.evaluate("""() => {
            const node = document.activeElement;
            const seen = node.matches(".unseen, .ways input") ? node.nextElementSibling : node;
            const {outlineStyle, outlineWidth} = getComputedStyle(seen);
            return [node.id || node.getAttribute("href") || node.value || node.tagName,
                    outlineStyle !== "none" && parseFloat(outlineWidth) >= 2];
        }""")
        assert stop == name
        assert drawn, f"the focus cannot be seen on {stop}"
        page.keyboard.press("Tab")
    page.locator("input[value=auto]").focus()
    page.keyboard.press("ArrowRight")
    page.locator("#go").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#reason")).to_contain_text("the policy is always local")


def test_on_a_phone_nothing_is_cut_off_and_all_is_large_enough(
    device: LivePage, open_page: Any, pictures: list[Path]
) -> None:
    page = open_page(device.url, viewport={"width": 340, "height": 700}, is_mobile=True, has_touch=True)
    page.set_input_files("#file", pictures[0])
    answered(page)
    expect(page.locator("#verdict")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= 340
    expect(page.get_by_text("Take a photo")).to_be_visible()
    assert page.locator("#photo").get_attribute("capture") == "environment"
    small = page.evaluate("""() => [...document.querySelectorAll("button, .button, .ways label, select, summary")]
        .filter((node) => node.checkVisibility() && node.getBoundingClientRect().height < 40)
        .map((node) => node.outerHTML)""")
    assert small == []


def test_nothing_moves_when_the_answer_comes(device: LivePage, open_page: Any, pictures: list[Path]) -> None:
    page = open_page(device.url, viewport={"width": 1280, "height": 900})
    expect(page.locator("#status")).not_to_be_empty()
    page.evaluate("""() => {
        window.moved = 0;
        new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) window.moved += entry.value;
        }).observe({type: "layout-shift"});
    }""")
    page.set_input_files("#file", pictures[0])
    answered(page)
    page.get_by_role("button", name="Run both").click()
    expect(page.locator("#steps h3")).to_have_count(2)
    assert page.evaluate("window.moved") < 0.02


CONTRASTS = """() => {
    const channels = (colour) => {
        const [r, g, b, a = 1] = colour.match(/[\\d.]+/g).map(Number);
        return {rgb: [r, g, b], a};
    };
    const luminance = ({rgb}) => rgb.map((c) => c / 255)
        .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = (node) => {
        for (let each = node; each; each = each.parentElement) {
            const colour = channels(getComputedStyle(each).backgroundColor);
            if (colour.a === 1) return colour;
        }
        return {rgb: [255, 255, 255]};
    };
    const poor = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    let count = 0;
    while (walker.nextNode()) {
        const node = walker.currentNode.parentElement;
        if (!walker.currentNode.data.trim() || !node.checkVisibility()) continue;
        if (node.closest("[disabled], .unseen, script")) continue;
        const style = getComputedStyle(node);
        const text = channels(node.closest("svg") ? style.fill : style.color);
        const [a, b] = [luminance(text), luminance(ground(node))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        count += 1;
        if (ratio < 4.5) poor.push(`${ratio.toFixed(2)}: ${walker.currentNode.data.trim().slice(0, 40)}`);
    }
    return {count, poor, dark: luminance(ground(document.body)) < 0.1};
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out_and_every_control_has_a_name(
    device: LivePage, open_page: Any, pictures: list[Path], scheme: str
) -> None:
    page = open_page(device.url, expected=WRONG_FILE)
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.get_by_label("Both").check()
    page.set_input_files("#file", pictures[0])
    answered(page)
    page.get_by_label("Straight to a server").check()
    page.get_by_text("The same as a table").click()
    page.set_input_files("#file", {"name": "x.jpg", "mimeType": "image/jpeg", "buffer": b"x"})
    expect(page.get_by_role("alert")).to_be_visible()  # and in its colours too
    found = page.evaluate(CONTRASTS)
    assert found["count"] > 40
    assert found["poor"] == []
    assert found["dark"] is (scheme == "dark")
    assert page.evaluate("getComputedStyle(document.querySelector('.button')).transitionDuration") == "0s"
    nameless = page.evaluate("""() => [...document.querySelectorAll("button, input, select, svg[role], video")]
        .filter((node) => !node.closest("[hidden]"))
        .filter((node) => !(node.labels?.length || node.getAttribute("aria-label") || node.textContent.trim()))
        .map((node) => node.outerHTML)""")
    assert nameless == []
    for role in ("banner", "main", "contentinfo"):
        assert page.get_by_role(role).count() == 1


def test_a_dead_server_of_the_page_is_told_and_its_return_is_seen(
    open_page: Any, pictures: list[Path], tmp_path: Path
) -> None:
    with page_for(tmp_path) as first:
        page = open_page(first.url, expected=("ERR_",))
        page.set_input_files("#file", pictures[0])
        answered(page)
    page.get_by_role("button", name="Classify again").click()
    expect(page.get_by_role("alert")).to_contain_text("does not answer")
    with page_for(tmp_path, listener=socket.create_server(("127.0.0.1", first.port))):
        expect(page.get_by_role("alert")).to_be_hidden()
        page.get_by_role("button", name="Classify again").click()
        answered(page)
        expect(page.locator("#summary")).to_contain_text("2 pictures.")
