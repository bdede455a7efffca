"""What the hook `redact` is given, what is sent in its place, and that nothing is sent when it fails."""

from __future__ import annotations

import io
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hedge_kit import Hedge
from offload_kit import images_sent, jpeg, make, rows, until
from PIL import Image

from offload_sdk import ConfigurationError, OffloadConfig, Offloader, RemoteError
from offload_sdk.execute.exchange import Reply
from offload_sdk.execute.open_inference import OpenInferenceProtocol
from offload_sdk.model import InputSpec, open_picture
from offload_sdk.testing import FaultyServer, ReceivedRequest


class Blackout:
    """Blackens the left half and notes what it got."""

    def __init__(self) -> None:
        self.seen: list[tuple[Any, tuple[int, ...]]] = []

    def __call__(self, pixels: Any) -> Any:
        self.seen.append((pixels.dtype, pixels.shape))
        pixels[:, : pixels.shape[1] // 2] = 0
        return pixels


def sent(request: ReceivedRequest) -> Any:
    assert request.image is not None
    return np.asarray(Image.open(io.BytesIO(request.image))).astype(int)


def is_black(pixels: Any) -> bool:
    """Whether the left half is, but for what the coding makes of the edge, and the right half is not."""
    half = pixels.shape[1] // 2
    return bool(pixels[:, : half - 8].max() < 12 and pixels[:, half + 8 :].max() > 60)


def in_memory(kind: str) -> Any:
    picture = Image.open(io.BytesIO(jpeg(3)))
    return {
        "array": lambda: np.asarray(picture),
        "Pillow": lambda: picture,
        "small JPEG": lambda: jpeg(3, side=96),
        "large JPEG": lambda: jpeg(3, side=900),
    }[kind]()


@pytest.mark.parametrize("kind", ["array", "Pillow", "small JPEG", "large JPEG"])
def test_every_upload_goes_through_the_hook_and_only_uploads_do(kind: str, tmp_path: Path) -> None:
    hook = Blackout()
    with FaultyServer() as server:
        with make(tmp_path, server.url, policy="local", parts={"redact": hook}) as offloader:
            local = offloader.classify(in_memory(kind))
        assert hook.seen == []
        with make(tmp_path, server.url, policy="remote", parts={"redact": hook}) as offloader:
            result = offloader.classify(in_memory(kind))
        (request,) = images_sent(server)
    with make(tmp_path, policy="local") as offloader:
        assert offloader.classify(in_memory(kind)).labels == local.labels
    assert result.path == "remote"
    side = 96 if kind == "small JPEG" else 256
    assert hook.seen == [(np.uint8, (side, side, 3))]
    assert is_black(sent(request))
    assert result.timings["redact"] > 0.0


def test_the_pixels_of_the_caller_stay_as_they_are(tmp_path: Path) -> None:
    pixels = np.asarray(Image.open(io.BytesIO(jpeg(1, side=256)))).copy()
    before = pixels.copy()
    with (
        FaultyServer() as server,
        make(tmp_path, server.url, policy="remote", parts={"redact": Blackout()}) as offloader,
    ):
        assert offloader.classify(pixels).path == "remote"
    assert np.array_equal(pixels, before)


def test_hedges_and_shadows_go_through_it_too(tmp_path: Path) -> None:
    hook = Blackout()
    with FaultyServer() as edge, FaultyServer() as cloud:
        policy = Hedge("edge", "local", 0.0, shadow=("cloud",))
        parts = {"redact": hook, "policy": policy}
        with make(tmp_path, edge.url, cloud.url, parts=parts, probe={"enabled": False}) as offloader:
            offloader.classify(np.asarray(Image.open(io.BytesIO(jpeg(2)))))
            until(lambda: images_sent(edge) and images_sent(cloud), "both were sent a picture")
        for server in (edge, cloud):
            assert all(is_black(sent(request)) for request in images_sent(server))


def raises(pixels: Any) -> Any:
    raise OSError("the face model is missing")


FAILURES: dict[str, Callable[[Any], Any]] = {
    "OSError: the face model is missing": raises,
    "returned NoneType": lambda pixels: None,
    "returned list": lambda pixels: pixels.tolist(),
    "returned MaskedArray": lambda pixels: np.ma.masked_array(pixels, mask=True),
    "float64": lambda pixels: pixels / 1.0,
    r"uint8 \(1, 256, 256, 3\)": lambda pixels: pixels[None],
    r"uint8 \(128, 256, 3\)": lambda pixels: pixels[::2],
}


@pytest.mark.parametrize("why", FAILURES)
def test_a_hook_that_fails_keeps_the_picture_here(why: str, tmp_path: Path) -> None:
    with (
        FaultyServer() as server,
        make(
            tmp_path, server.url, policy="remote", parts={"redact": FAILURES[why]}, probe={"enabled": False}
        ) as offloader,
    ):
        results = [offloader.classify(jpeg(shade)) for shade in range(4)]
        assert [result.path for result in results] == ["local"] * 4
        assert all(result.fallback for result in results)
        assert re.search(why, results[0].failure or "")
        assert offloader.status()["endpoints"][0]["in_service"]  # it is not the endpoint's fault
        failed = rows(offloader)[0].outcomes[0]
        assert (failed.error_kind, failed.status, failed.sent_bytes) == ("redaction", "ignored", 0)
    assert images_sent(server) == []


def test_without_the_local_path_it_is_an_error_that_says_so(tmp_path: Path) -> None:
    with (
        FaultyServer() as server,
        make(tmp_path, server.url, local=False, parts={"redact": raises}) as offloader,
        pytest.raises(RemoteError, match=r"not sent.*OSError: the face model is missing") as caught,
    ):
        offloader.classify(jpeg())
    assert caught.value.kind == "redaction"
    assert images_sent(server) == []


def test_what_it_failed_on_once_goes_nowhere_else_either(tmp_path: Path) -> None:
    calls: list[int] = []

    def fails_at_first(pixels: Any) -> Any:
        calls.append(1)
        return None if len(calls) == 1 else pixels

    with (
        FaultyServer() as edge,
        FaultyServer() as cloud,
        make(tmp_path, edge.url, cloud.url, local=False, parts={"redact": fails_at_first}) as offloader,
    ):
        with pytest.raises(RemoteError, match="not sent"):
            offloader.classify(jpeg(0))
        assert images_sent(edge) + images_sent(cloud) == []
        assert offloader.classify(jpeg(1)).path == "remote"  # the next picture is another matter
    assert len(calls) == 2


def test_its_time_is_predicted(tmp_path: Path) -> None:
    def slow(pixels: Any) -> Any:
        time.sleep(0.05)
        return pixels

    with (
        FaultyServer() as server,
        make(tmp_path, server.url, policy="remote", local=False, parts={"redact": slow}) as offloader,
    ):
        for shade in range(12):
            assert offloader.classify(jpeg(shade)).timings["redact"] >= 0.05
        assert offloader.decide(jpeg()).predicted["edge"].parts_s["encode"] > 0.04


def test_a_small_jpeg_is_not_expected_to_go_as_it_is(tmp_path: Path) -> None:
    with (
        FaultyServer() as server,
        make(tmp_path, server.url, policy="remote", parts={"redact": Blackout()}) as offloader,
    ):
        small = Image.new("RGB", (256, 256))
        stream = io.BytesIO()
        small.save(stream, "JPEG", quality=10, comment=b"x" * 3000)
        assert offloader.decide(stream.getvalue()).predicted["edge"].payload_bytes > 2 * len(stream.getvalue())


@pytest.mark.parametrize("datatype", ["BYTES", "UINT8"])
def test_the_open_inference_protocol_sends_redacted_pixels(datatype: str) -> None:
    protocol = OpenInferenceProtocol("m", version=None, normalisation=None, labels=())
    shape = [1] if datatype == "BYTES" else [1, 224, 224, 3]
    metadata = f'{{"inputs":[{{"name":"x","datatype":"{datatype}","shape":{shape}}}]}}'
    for question, told in zip(
        protocol.questions(), ('{"extensions":["binary_tensor_data"]}', metadata), strict=True
    ):
        protocol.learn(question, Reply(status=200, headers={}, body=told.encode()))
    picture = open_picture(jpeg(3), InputSpec(), redact=Blackout())
    plain = picture.tensor({}).copy()
    timings: dict[str, float] = {}
    body = protocol.classify(picture, None, "id", timings).body
    assert body is not None
    if datatype == "BYTES":
        pixels = np.asarray(Image.open(io.BytesIO(body[body.index(b"\xff\xd8\xff") :])))
    else:
        pixels = np.frombuffer(body[-224 * 224 * 3 :], np.uint8).reshape(224, 224, 3)
    assert is_black(pixels.astype(int))
    assert timings["redact"] > 0.0
    assert np.array_equal(picture.tensor({}), plain)  # what the device itself sees


def test_it_can_be_named_in_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hooks_of_ours.py").write_text(
        "class Hooks:\n    @staticmethod\n    def blackout(pixels):\n        return pixels * 0\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("OFFLOAD_REDACT", "hooks_of_ours:Hooks.blackout")
    with FaultyServer() as server, make(tmp_path, server.url, policy="remote") as offloader:
        assert offloader.classify(jpeg()).path == "remote"
        assert sent(images_sent(server)[0]).max() == 0
    sys.modules.pop("hooks_of_ours")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("no_such_module_of_ours:blur", "No module named"),
        ("json:no_such_function", "no attribute"),
        ("json:__name__", "no function"),
    ],
)
def test_a_name_that_leads_nowhere_is_told(name: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=told) as caught:
        Offloader(OffloadConfig(redact=name, home=tmp_path))
    assert name in str(caught.value)


@pytest.mark.parametrize("name", ["blur", "module.blur", ":blur", "module:", "module:a b", "a;b:c"])
def test_a_name_must_be_one(name: str) -> None:
    with pytest.raises(ConfigurationError, match="redact"):
        OffloadConfig(redact=name)


def test_the_experiment_sends_no_whole_file_past_it(tmp_path: Path) -> None:
    from offload_sdk.baseline.server import Server
    from offload_sdk.baseline.targets import parse_targets
    from offload_sdk.measure.device import Device

    config = OffloadConfig(redact="json:loads", home=tmp_path)
    (spec,) = parse_targets(["cloud=http://127.0.0.1:9"], config)
    with pytest.raises(ConfigurationError, match="redact"):
        Server(spec, ("sdk", "original"), config, probe=Device())
