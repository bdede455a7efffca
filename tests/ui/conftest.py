"""A headless browser, and pages in it that must not complain nor reach for anything elsewhere."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from page_kit import INSECURE_HOST, LivePage, model_server, page_for

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PATIENCE_MS = 20_000
Open = Callable[..., "Page"]


# For one file of tests: as long as the driver is there its loop runs in this thread, and no other can.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium with a camera that shows a test picture; a context without the permission is refused it."""
    playwright = pytest.importorskip("playwright.sync_api")
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("needs Chromium")
    arguments = [
        "--no-sandbox",
        "--use-fake-device-for-media-stream",
        f"--host-resolver-rules=MAP {INSECURE_HOST} 127.0.0.1",
    ]
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def _tab(browser: Browser) -> Page:
    """The page that most tests share, each with a new document: a process of its own would take a second each."""
    return browser.new_page()


@pytest.fixture
def open_page(browser: Browser, _tab: Page) -> Iterator[Open]:
    """`open_page(url, **context)` opens it; at the end nothing may have gone wrong unseen.

    `expected` are parts of messages on the console that the test means to cause, `elsewhere` origins that the
    page is told to reach.
    """
    ends: list[Callable[[], None]] = []

    def open_one(
        url: str, *, expected: tuple[str, ...] = (), elsewhere: tuple[str, ...] = (), **context: Any
    ) -> Page:
        page = browser.new_page(**context) if context else _tab
        page.set_default_timeout(PATIENCE_MS)
        said: list[str] = []
        asked: list[str] = []

        def on_console(message: Any) -> None:
            said.append(f"{message.text} {message.location['url']}")

        def on_error(error: Any) -> None:
            said.append(f"uncaught: {error}")

        def on_request(request: Any) -> None:
            asked.append(request.url)

        listeners = (("console", on_console), ("pageerror", on_error), ("request", on_request))
        for event, act in listeners:
            page.on(event, act)  # type: ignore[call-overload]
        page.goto(url)
        own = "/".join(url.split("/")[:3])

        def end() -> None:
            page.goto("about:blank")
            page.emulate_media(color_scheme="null", reduced_motion="null")
            for event, act in listeners:
                page.remove_listener(event, act)
            if page is not _tab:
                page.close()
            assert [text for text in said if not any(part in text for part in expected)] == []
            assert [to for to in asked if not to.startswith((own, f"blob:{own}", "about:", *elsewhere))] == []

        ends.append(end)
        return page

    yield open_one
    for end in ends:
        end()


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A few photographs, or drawings where those are not installed."""
    from offload_kit import jpeg
    from PIL import Image

    folder = tmp_path_factory.mktemp("pictures")
    try:
        from skimage import data
    except ImportError:
        for shade in range(3):
            (folder / f"{shade}.jpg").write_bytes(jpeg(shade))
    else:
        for name in ("chelsea", "coffee", "rocket"):
            Image.fromarray(getattr(data, name)()).save(folder / f"{name}.jpg")
    return sorted(folder.iterdir())


@pytest.fixture(scope="session")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("page-home")


@pytest.fixture(scope="session")
def _listener() -> socket.socket:
    """The device's, made first, as the server is to know the page's origin."""
    return socket.create_server(("127.0.0.1", 0))


@pytest.fixture(scope="session")
def cloud(_home: Path, _listener: socket.socket) -> Iterator[str]:
    """A server with our model that lets in the device's page as http://127.0.0.1, and not as http://localhost."""
    with model_server(_home, cors_origins=(f"http://127.0.0.1:{_listener.getsockname()[1]}",)) as url:
        yield url


@pytest.fixture(scope="session")
def device(cloud: str, _home: Path, _listener: socket.socket) -> Iterator[LivePage]:
    """The page on a device with that server as its endpoint."""
    with page_for(_home, cloud, listener=_listener) as live:
        yield live
