"""Real servers and clients of the protocol: our device against MLServer, Triton's client against our server."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from calibration.bench_link import open_link
from offload_sdk import OffloadConfig, Offloader
from offload_sdk._config import EndpointConfig
from offload_sdk.cli.check_endpoint import check_endpoint
from offload_sdk.errors import RemoteError
from offload_sdk.model import InputSpec, open_picture

pytestmark = pytest.mark.oip
MODEL = "efficientnet_lite0"


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    image = pytest.importorskip("PIL.Image")
    path = tmp_path_factory.mktemp("photo") / "cat.jpg"
    image.fromarray(pytest.importorskip("skimage.data").chelsea()).save(path, quality=95)
    return path


def device(home: Path, url: str, model: str = MODEL, **options: Any) -> Offloader:
    endpoint = {"url": url, "protocol": "open-inference", "model": model, **options.pop("endpoint", {})}
    settings = {"home": home, "endpoints": [endpoint], "policy": "remote", "model": MODEL, **options}
    return Offloader(OffloadConfig(**settings))


@pytest.fixture
def home(tmp_path: Path, models_dir: Path) -> Path:
    (tmp_path / "models").symlink_to(models_dir)
    return tmp_path


def test_mlserver_classifies_as_the_device_does(mlserver: str, home: Path, photo: Path) -> None:
    with device(home, mlserver, log={"shadow_rate": 0.0}) as offloader:
        remote = offloader.classify(photo)
        again = offloader.classify(photo)
    with device(home, mlserver, policy="local") as offloader:
        local = offloader.classify(photo)
    assert (remote.path, remote.model, remote.fallback) == ("remote", MODEL, False)
    assert [label.name for label in remote.labels] == [label.name for label in local.labels]
    assert [label.index for label in remote.labels] == [label.index for label in local.labels]
    for theirs, ours in zip(remote.labels, local.labels, strict=True):
        assert theirs.probability == pytest.approx(ours.probability, abs=0.005)
    # MLServer offers no raw bytes, so the pixels go as JSON; by the second picture that is what is expected.
    estimate = again.decision.predicted["remote"]
    assert (estimate.payload.side_px, estimate.payload.quality) == (224, None)
    assert estimate.payload_bytes == pytest.approx(224 * 224 * 3 * 3.5, rel=0.3)
    assert "server" not in again.timings
    assert again.timings["network"] > 0.0


def test_mlserver_is_probed_and_its_form_is_known_before_the_first_picture(
    mlserver: str, home: Path, photo: Path
) -> None:
    with device(home, mlserver) as offloader:
        side = offloader._parts.by_name["remote"]
        outcome = side.executor.ping(30.0)
        offloader._parts.probe_seen(outcome)
        decision = offloader.decide(photo)
    assert (outcome.status, outcome.error) == ("success", None)
    assert outcome.sent_bytes < 1000
    assert decision.predicted["remote"].payload.quality is None
    assert decision.predicted["remote"].payload_bytes > 300_000


@pytest.mark.parametrize(("colour", "index"), [((250, 20, 20), 0), ((20, 250, 20), 1), ((20, 20, 250), 2)])
def test_planes_of_floats_and_logits(mlserver: str, home: Path, colour: tuple[int, int, int], index: int) -> None:
    picture = np.full((300, 300, 3), colour, np.uint8)
    norm = {"pixel_mean": (127.5, 127.5, 127.5), "pixel_std": (127.5, 127.5, 127.5)}
    with device(home, mlserver, "planes", endpoint={"version": "v1", **norm}, local=False) as offloader:
        best = offloader.classify(picture).labels[0]
    assert (best.name, best.index) == (f"class {index}", index)
    assert best.probability > 0.99


@pytest.mark.parametrize(("model", "message"), [("planes", "pixel_mean"), ("absent", "absent")])
def test_what_cannot_work_is_told(mlserver: str, home: Path, photo: Path, model: str, message: str) -> None:
    with device(home, mlserver, model, local=False) as offloader, pytest.raises(RemoteError, match=message):
        offloader.classify(photo)


def test_the_local_path_takes_over(mlserver: str, home: Path, photo: Path, caplog: Any) -> None:
    with caplog.at_level(logging.ERROR), device(home, mlserver, "absent") as offloader:
        result = offloader.classify(photo)
    assert (result.path, result.fallback) == ("local", True)
    assert "404" in result.failure
    assert not caplog.records


@pytest.mark.parametrize(
    ("model", "level", "words"), [(MODEL, "ok", "tensors of 527 KB"), ("absent", "problem", "absent")]
)
def test_doctor_sees_whether_the_model_is_there(mlserver: str, model: str, level: str, words: str) -> None:
    endpoint = EndpointConfig(url=mlserver, protocol="open-inference", model=model)
    *_, last = check_endpoint(endpoint, clock=time.monotonic, wall=time.time)
    assert last.level == level
    assert words in last.message


def test_calibration_times_the_link_to_mlserver(mlserver: str, home: Path) -> None:
    endpoint = {"url": mlserver, "protocol": "open-inference", "model": MODEL}
    with open_link(mlserver, OffloadConfig(home=home, endpoints=[endpoint])) as (link, _):
        first, second = link.ping(30.0), link.upload(20_000, 30.0)
    assert (first.status, second.status) == ("success", "success")
    assert second.sent_bytes < 1000  # a tensor would be larger than what was asked for


def test_our_server_gets_the_photograph(our_server: str, home: Path, photo: Path) -> None:
    with device(home, our_server) as offloader:
        remote = offloader.classify(photo)
    with device(home, our_server, endpoint={"protocol": "offload", "model": None}) as offloader:
        plain = offloader.classify(photo)
    assert [label.name for label in remote.labels] == [label.name for label in plain.labels]
    assert remote.labels[0].probability == pytest.approx(plain.labels[0].probability, abs=1e-4)
    assert remote.timings["server"] > 0.0
    assert remote.decision.predicted["remote"].payload.quality is not None


@pytest.mark.parametrize("extensions", [frozenset({"binary_tensor_data"}), frozenset()])
def test_our_server_gets_the_tensor_of_devices_that_send_one(
    our_server: str, home: Path, photo: Path, extensions: frozenset[str]
) -> None:
    """As a device speaks that does not know our extension, with raw bytes and without."""
    with device(home, our_server) as offloader:
        executor: Any = offloader._parts.by_name["remote"].executor
        assert executor.ping(30.0).status == "success"
        executor._protocol._extensions = extensions
        remote = offloader.classify(photo)
    with device(home, our_server, policy="local") as offloader:
        local = offloader.classify(photo)
    assert remote.path == "remote"
    assert [label.name for label in remote.labels] == [label.name for label in local.labels]


def test_tritons_client_understands_our_server(
    our_server: str, mlserver_venv: Path, tmp_path: Path, photo: Path
) -> None:
    pixels = open_picture(photo, InputSpec()).tensor({})
    np.save(tmp_path / "pixels.npy", pixels)
    script = Path(__file__).with_name("triton_client.py")
    command = [
        mlserver_venv / "python",
        script,
        our_server.removeprefix("http://"),
        MODEL,
        photo,
        tmp_path / "pixels.npy",
    ]
    run = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    found = json.loads(run.stdout.splitlines()[-1])
    assert found["live"]
    assert found["ready"]
    assert "binary_tensor_data" in found["extensions"]
    assert found["input"] == {"name": "input", "datatype": "UINT8", "shape": [-1, 224, 224, 3]}
    assert found["shape"] == [1, 1000]
    with open(photo, "rb") as stream:
        answer = requests.post(f"{our_server}/analyze", files={"image": stream}, timeout=30).json()
    expected = [prediction["label"] for prediction in answer["predictions"]]
    assert found["pixels, raw"] == found["pixels, json"] == found["photograph"] == expected
    assert found["most"] == pytest.approx(answer["predictions"][0]["probability"], abs=1e-6)
    assert found["refused"][0] == "400"
    assert "shape" in found["refused"][1]


def test_the_pages_examples_run(
    our_server: str,
    mlserver_venv: Path,
    photo: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = (Path(__file__).resolve().parent.parent.parent / "docs" / "open-inference.md").read_text("utf-8")
    plain, triton = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(photo.parent)
    photo.with_name("photo.jpg").write_bytes(photo.read_bytes())
    exec(compile(plain.replace("http://127.0.0.1:8080", our_server), "open-inference.md", "exec"), {})
    assert "tabby" in capsys.readouterr().out
    code = triton.replace("127.0.0.1:8080", our_server.removeprefix("http://"))
    run = subprocess.run(
        [str(mlserver_venv / "python"), "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stderr[-2000:]
    assert run.stdout.startswith("[[")
