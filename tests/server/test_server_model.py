"""End to end with the real model: photographs, and files that are not."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from io import BytesIO

import numpy as np
import pytest
import requests
from PIL import Image

from offload_sdk.wire import parse_server_timing
from server_stub.app import create_app
from server_stub.model_engine import model_loader
from server_stub.run import Server, listen
from server_stub.settings import ServerSettings


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    stream = BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = ServerSettings(
        port=0,
        workers=2,
        model="efficientnet_lite0",
        models_dir=tmp_path_factory.mktemp("models"),
    )
    ready = threading.Event()
    app = create_app(settings, model_loader(settings), on_state=lambda state: ready.set())
    with contextlib.closing(listen(settings)) as listener:
        host, port = listener.getsockname()
        server = Server(app, settings)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        assert ready.wait(60)
        assert app.state.pool.error is None
        yield f"http://{host}:{port}"
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture
def cat() -> Image.Image:
    data = pytest.importorskip("skimage.data")
    return Image.fromarray(data.chelsea())


def analyze(url: str, image: bytes) -> requests.Response:
    return requests.post(f"{url}/analyze", files={"image": image}, timeout=60)


def test_a_cat_is_a_cat(url, cat):
    assert requests.get(url, timeout=10).json()["model"] == "efficientnet_lite0"
    response = analyze(url, encoded(cat, quality=90))
    assert response.status_code == 200
    predictions = response.json()["predictions"]
    assert len(predictions) == 3
    assert {entry["label"] for entry in predictions} == {"Egyptian cat", "tabby", "tiger cat"}
    assert {entry["index"] for entry in predictions} == {281, 282, 285}
    probabilities = [entry["probability"] for entry in predictions]
    assert probabilities == sorted(probabilities, reverse=True)
    timing = parse_server_timing(response.headers["Server-Timing"])
    assert timing["decode"] > 0
    assert timing["infer"] > 0
    assert sum(timing.values()) <= response.elapsed.total_seconds()


@pytest.mark.parametrize(
    ("kind", "convert"),
    [
        ("PNG", lambda image: image.convert("RGBA")),
        ("JPEG", lambda image: image.convert("CMYK")),
        ("PNG", lambda image: image.convert("P")),
        ("GIF", lambda image: image),
        ("WEBP", lambda image: image),
        ("BMP", lambda image: image),
    ],
)
def test_any_encoding_of_the_cat_is_a_cat(url, cat, kind, convert: Callable[[Image.Image], Image.Image]):
    response = analyze(url, encoded(convert(cat), kind))
    assert response.status_code == 200
    assert response.json()["predictions"][0]["index"] in {281, 282, 285}


def test_an_animation_counts_as_its_first_picture(url, cat):
    frames = [cat.rotate(90), cat.rotate(180)]
    response = analyze(url, encoded(cat, "GIF", save_all=True, append_images=frames))
    assert response.status_code == 200
    assert response.json()["predictions"][0]["index"] in {281, 282, 285}


def damaged(cat: Image.Image) -> dict[str, bytes]:
    good = encoded(cat)
    return {
        "text": b"this is not a picture\n" * 100,
        "html": b"<html></html>",
        "truncated": good[: len(good) // 3],
        "head only": good[:20],
        "zeros": bytes(5000),
        "noise": np.random.default_rng(1).bytes(20_000),
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        "pdf": b"%PDF-1.7\n1 0 obj\n",
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n",
    }


def test_files_that_are_no_pictures_are_400_and_the_server_lives(url, cat, error_code):
    for name, content in damaged(cat).items():
        response = analyze(url, content)
        assert (response.status_code, error_code(response)) == (400, "invalid_image"), name
        message = response.json()["error"]["message"]
        assert "Traceback" not in message
        assert ".py" not in message
    assert analyze(url, encoded(cat)).status_code == 200


@pytest.mark.parametrize("size_px", [5_000, 10_000])
def test_a_bomb_is_413_before_it_is_decoded(url, cat, error_code, size_px):
    bomb = encoded(Image.new("1", (size_px, size_px)), "PNG")
    assert len(bomb) < 100_000
    response = analyze(url, bomb)
    assert (response.status_code, error_code(response)) == (413, "too_many_pixels")
    assert analyze(url, encoded(cat)).status_code == 200


def test_tiny_pictures_get_an_answer(url):
    assert analyze(url, encoded(Image.new("RGB", (1, 1), "red"), "PNG")).status_code == 200
