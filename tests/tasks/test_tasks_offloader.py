"""The whole loop with tasks: on the device, on servers of both protocols, and with servers that fail or lie."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hedge_kit import NEVER_S, TOLERANT, UNPROBED, Hedge
from offload_kit import QUICK, rows
from PIL import Image
from task_models import (
    DETECTION,
    DETECTOR_SIDE,
    SEGMENTATION,
    SEGMENTER_SIDE,
    Says,
    bright_cells,
    brightness,
    lamp,
    serving,
    store,
)

from offload_sdk import OffloadConfig, TaskOffloader
from offload_sdk._types import Label, Snapshot
from offload_sdk._view import View
from offload_sdk.errors import ConfigurationError, InvalidImageError, ModelError, RemoteError
from offload_sdk.tasks import Detection, ObjectDetection
from offload_sdk.testing import FaultyServer, ScriptedProbe

DARK = np.full((64, 128, 3), 20, np.uint8)
THERE = pytest.approx((0.75, 0.5, 1.0, 1.0), abs=0.02)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    store(folder, "lamps", bright_cells(), DETECTOR_SIDE)
    store(folder, "light", brightness(), SEGMENTER_SIDE)
    return folder


@pytest.fixture(scope="module")
def lamps_url(models: Path) -> Iterator[str]:
    with serving(models / "lamps.tflite") as url:
        yield url


@pytest.fixture(scope="module")
def light_url(models: Path) -> Iterator[str]:
    with serving(models / "light.tflite") as url:
        yield url


def make(models: Path, task: Any, *urls: Any, name: str = "lamps", policy: Any = None, **values: Any) -> Any:
    endpoints = [
        {"name": name, **(url if isinstance(url, dict) else {"url": url})}
        for name, url in zip(("edge", "far"), urls, strict=False)
    ]
    options = {
        **QUICK,
        "model": str(models / f"{name}.tflite"),
        "probe": UNPROBED,
        "endpoints": endpoints,
        **values,
    }
    probe = ScriptedProbe([Snapshot(taken_s=0.0, on_mains=True)])
    return TaskOffloader(task, OffloadConfig(**options), probe=probe, policy=policy)


def box(found: Detection) -> tuple[float, ...]:
    return found.left, found.top, found.right, found.bottom


def encoded(pixels: Any) -> bytes:
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def test_detection_on_the_device(models: Path) -> None:
    with make(models, DETECTION) as offloader:
        answer = offloader.run(lamp())
        (found,) = answer.result
        assert found.label.name == "lamp"
        assert box(found) == THERE
        assert (answer.path, answer.endpoint, answer.model) == ("local", None, "lamps")
        assert {"decide", "decode", "preprocess", "infer"} <= set(answer.timings)
        assert offloader.status()["local"]["model"] == "lamps"
        (row,) = rows(offloader)
    assert row.request_id == answer.request_id
    assert [label.name for label in row.labels] == ["lamp"]
    assert (row.path, row.error, row.outcomes[0].status) == ("local", None, "success")


def test_that_nothing_is_there_is_an_answer(models: Path) -> None:
    with make(models, DETECTION) as offloader:
        answer = offloader.run(DARK)
        assert answer.result == ()
        assert not answer.fallback
        (row,) = rows(offloader)
    assert (row.labels, row.path, row.error) == ((), "local", None)


def test_many_images_one_row_each(models: Path) -> None:
    with make(models, DETECTION) as offloader:
        assert [len(answer.result) for answer in offloader.run_many([lamp(), DARK, encoded(lamp())])] == [1, 0, 1]
        assert len(rows(offloader)) == 3
        with pytest.raises(ConfigurationError):
            offloader.run_many("one.jpg")
        with pytest.raises(InvalidImageError):
            offloader.run(b"no picture")


def test_segmentation_on_the_device_and_on_a_server_agree(models: Path, light_url: str) -> None:
    with (
        make(models, SEGMENTATION, name="light") as here,
        make(models, SEGMENTATION, light_url, name="light", local=False) as there,
    ):
        mine, theirs = here.run(lamp()), there.run(lamp())
    assert (mine.path, theirs.path) == ("local", "remote")
    assert mine.result.names == theirs.result.names == ("background", "light")
    assert mine.result.classes.shape == (32, 32)
    assert (mine.result.classes != theirs.result.classes).mean() < 0.05
    assert mine.result.resized(128, 64)[60, 120] == 1


@pytest.mark.parametrize("protocol", ["offload", "open-inference"])
def test_detection_on_a_server(models: Path, lamps_url: str, protocol: str) -> None:
    endpoint = {"url": lamps_url, "protocol": protocol}
    if protocol == "open-inference":
        endpoint["model"] = "lamps"
    with make(models, DETECTION, endpoint, local=False) as offloader:
        for _ in range(2):
            answer = offloader.run(lamp())
            (found,) = answer.result
            assert box(found) == THERE
        assert offloader.run(DARK).result == ()
        assert (answer.path, answer.endpoint, answer.model) == ("remote", "edge", "lamps")
        last = rows(offloader)[-1]
        status = offloader.status()["endpoints"][0]
    assert last.error is None
    assert status["in_service"]
    sent = last.outcomes[0].sent_bytes
    assert sent < 5000 if protocol == "offload" else sent > 64 * 64 * 3 * 4


def test_a_dead_server_costs_no_answer(models: Path) -> None:
    with FaultyServer() as server:
        url = server.url
    with make(models, DETECTION, url, policy=Hedge("edge", "edge", 0.0)) as offloader:
        answer = offloader.run(lamp())
        assert len(answer.result) == 1
        assert (answer.path, answer.fallback) == ("local", True)
        assert answer.failure
        assert [outcome.status for outcome in rows(offloader)[0].outcomes] == ["failed", "success"]


def test_a_server_that_hangs_is_overtaken(models: Path) -> None:
    with FaultyServer(fault="black_hole") as server:
        hedge = Hedge("edge", "local", 0.05)
        with make(models, DETECTION, server.url, policy=hedge, circuit=TOLERANT) as offloader:
            answer = offloader.run(DARK)
    assert answer.result == ()
    assert (answer.path, answer.hedged, answer.fallback) == ("local", True, False)


def test_the_upload_wins_a_hedge_even_if_it_finds_nothing(models: Path, lamps_url: str) -> None:
    with make(models, DETECTION, lamps_url, policy=Hedge("edge", "local", NEVER_S)) as offloader:
        answer = offloader.run(DARK)
    assert (answer.path, answer.result, answer.hedged) == ("remote", (), False)


LIES = [
    b'{"predictions": [{"label": "tabby", "probability": 0.9, "index": 281}], "model": "m"}',
    b'{"detections": [{"label": "x", "probability": 0.9, "index": 0, "box": [NaN, 0, 1, 1]}], "model": "m"}',
    b'{"detections": [{"label": "x", "probability": 0.9, "index": 0, "box": [0, 0, 7, 1]}], "model": "m"}',
    b'{"detections": {}, "model": "m"}',
    b'{"detections": []}',
    b'{"detections": [], "model": 3}',
    b"[" * 100_000,
    b"[]",
    b" " * 1_000_000,
]


@pytest.mark.parametrize("body", LIES, ids=lambda body: body[:30].decode())
def test_a_server_that_lies_is_answered_for_by_the_device(models: Path, body: bytes) -> None:
    with Says(body) as server, make(models, DETECTION, server.url, policy=Hedge("edge", "edge", 0.0)) as offloader:
        answer = offloader.run(lamp())
        assert (answer.path, answer.fallback, len(answer.result)) == ("local", True, 1)
        assert rows(offloader)[0].outcomes[0].error_kind == "protocol"


def test_a_huge_mask_is_not_taken(models: Path) -> None:
    stream = BytesIO()
    Image.new("L", (4000, 4000)).save(stream, "PNG")
    mask = {"labels": ["a"], "png": base64.b64encode(stream.getvalue()).decode()}
    body = json.dumps({"mask": mask, "model": "m"}).encode()
    with (
        Says(body) as server,
        make(models, SEGMENTATION, server.url, name="light", policy=Hedge("edge", "edge", 0.0)) as offloader,
    ):
        answer = offloader.run(lamp())
    assert answer.path == "local"
    assert "too large" in answer.failure


class Brightest:
    """A task of one's own, without a wire."""

    fit = "stretch"

    def finish(self, outputs: Mapping[str, Any], view: View) -> float:
        (values,) = outputs.values()
        return float(values.max())

    def labels(self, result: float) -> tuple[Label, ...]:
        return ()


class Broken(Brightest):
    def finish(self, outputs: Mapping[str, Any], view: View) -> float:
        raise ZeroDivisionError("my own fault")


def test_a_task_of_ones_own_here_and_there(models: Path, light_url: str) -> None:
    endpoint = {"url": light_url, "protocol": "open-inference", "model": "light"}
    with make(models, Brightest(), endpoint, name="light", policy=Hedge("edge", "edge", 0.0)) as offloader:
        answer = offloader.run(lamp())
        assert answer.result == pytest.approx(1.0, abs=0.02)
        assert answer.path == "remote"
    with make(models, Brightest(), name="light") as offloader:
        assert offloader.run(DARK).result == pytest.approx(20 / 255, abs=0.01)


def test_a_task_without_a_wire_cannot_be_asked_of_our_server(models: Path, light_url: str) -> None:
    with pytest.raises(ConfigurationError, match="lacks to_wire and from_wire; set protocol = 'open-inference'"):
        make(models, Brightest(), light_url, name="light")


def test_a_task_that_fails_says_so_at_once(models: Path) -> None:
    with pytest.raises(ModelError, match="my own fault"):
        make(models, Broken(), name="light")


def test_a_task_that_fails_on_a_servers_outputs_is_an_error_of_that_option(models: Path, light_url: str) -> None:
    endpoint = {"url": light_url, "protocol": "open-inference", "model": "light"}
    with (
        make(models, Broken(), endpoint, name="light", local=False) as offloader,
        pytest.raises(RemoteError) as error,
    ):
        offloader.run(lamp())
    assert error.value.kind == "protocol"
    assert "my own fault" in str(error.value)


class Nothing(Brightest):
    def finish(self, outputs: Mapping[str, Any], view: View) -> Any:
        return None


class Cropping(Brightest):
    fit = "crop"


def test_none_is_no_result(models: Path) -> None:
    with pytest.raises(ModelError, match="stands for no result"):
        make(models, Nothing(), name="light")


@pytest.mark.parametrize("task", [Cropping(), object(), None])
def test_what_is_no_task_is_refused(models: Path, task: Any) -> None:
    with pytest.raises(ConfigurationError, match="a fit of 'pad' or 'stretch'"):
        make(models, task, name="light")


def test_a_task_for_another_model_says_so_at_once(models: Path) -> None:
    with pytest.raises(ModelError, match="cannot read the model's outputs"):
        make(models, ObjectDetection(), name="light")


def test_a_classifying_server_is_no_detector(models: Path) -> None:
    with (
        FaultyServer() as server,
        make(models, DETECTION, server.url, local=False) as offloader,
        pytest.raises(RemoteError, match="detections"),
    ):
        offloader.run(lamp())


def test_the_model_must_be_named(models: Path) -> None:
    with pytest.raises(ConfigurationError, match="its own `model`"):
        TaskOffloader(DETECTION, OffloadConfig())
    with pytest.raises(ModelError, match="no model file"):
        TaskOffloader(DETECTION, OffloadConfig(model=str(models / "none.tflite")))
