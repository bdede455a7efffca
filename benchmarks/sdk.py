"""What the SDK adds to the work itself: `python -m benchmarks.sdk` (part of `make bench`).

Times of two ways to do the same work are taken in turn in one run and given as a ratio or a difference of
medians, since the machine's own speed changes from minute to minute.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.pictures import camera_frame, twelve_megapixel_jpeg
from benchmarks.results import Row, publish
from offload_sdk import OffloadConfig, Offloader
from offload_sdk._config import PolicyName
from offload_sdk.model import Classifier, resolve

_SIDE = 224
_CROP = 0.875


def side_by_side(repeat: int, *calls: Callable[[], object]) -> list[list[float]]:
    """Time the calls in turn, `repeat` rounds after two of warm-up. Return the seconds of each."""
    times: list[list[float]] = [[] for _ in calls]
    for round_ in range(repeat + 2):
        for call, taken in zip(calls, times, strict=True):
            started = time.perf_counter()
            call()
            if round_ >= 2:
                taken.append(time.perf_counter() - started)
    return times


def by_hand(image: Image.Image) -> npt.NDArray[np.uint8]:
    """Central crop and resize in one step of Pillow: the model's input."""
    width, height = image.size
    side = _CROP * min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    square = image.resize((_SIDE, _SIDE), Image.Resampling.BICUBIC, box=(left, top, left + side, top + side))
    return np.asarray(square)[None]


def reduced_by_hand(encoded: bytes) -> npt.NDArray[np.uint8]:
    """The fastest that Pillow does: the decoder itself reduces to an eighth."""
    image = Image.open(BytesIO(encoded))
    image.draft("RGB", (_SIDE, _SIDE))
    return by_hand(image.convert("RGB"))


def full_by_hand(encoded: bytes) -> npt.NDArray[np.uint8]:
    return by_hand(Image.open(BytesIO(encoded)).convert("RGB"))


def overhead(offloader: Offloader, classifier: Classifier, repeat: int) -> list[Row]:
    frame = camera_frame(_SIDE, _SIDE)
    encoded = twelve_megapixel_jpeg()
    with_sdk, work = side_by_side(
        repeat,
        lambda: offloader.classify(frame),
        lambda: classifier.infer(by_hand(Image.fromarray(frame))),
    )
    photo_sdk, photo_hand = side_by_side(
        max(repeat // 8, 10),
        lambda: offloader.classify(encoded),
        lambda: classifier.infer(reduced_by_hand(encoded)),
    )
    from offload_sdk.model import InputSpec, open_picture

    full, ours = side_by_side(
        max(repeat // 8, 10),
        lambda: full_by_hand(encoded),
        lambda: open_picture(encoded, InputSpec()).tensor({}),
    )
    extra = [one - other for one, other in zip(with_sdk, work, strict=True)]
    return [
        Row(
            name="preprocess + invoke by hand (how fast this machine is now)",
            value=statistics.median(work) * 1e3,
            unit="ms",
        ),
        Row(
            name="classify a NumPy frame beyond preprocess + invoke",
            value=statistics.median(extra) * 1e3,
            unit="ms",
            bound=0.5,
            note=f"of {statistics.median(with_sdk) * 1e3:.1f} ms; median of {repeat} differences",
        ),
        Row(
            name="classify a 12 MP JPEG / fastest Pillow pipeline by hand",
            value=statistics.median(photo_sdk) / statistics.median(photo_hand),
            unit="×",
            bound=1.15,
            note=f"{statistics.median(photo_sdk) * 1e3:.1f} / {statistics.median(photo_hand) * 1e3:.1f} ms",
        ),
        Row(
            name="12 MP JPEG: full decode + resize / ours",
            value=statistics.median(full) / statistics.median(ours),
            unit="×",
            bound=2.5,
            at_least=True,
            note=f"{statistics.median(full) * 1e3:.1f} / {statistics.median(ours) * 1e3:.1f} ms",
        ),
    ]


def decisions(policy: PolicyName, repeat: int) -> list[Row]:
    """The time of estimating every option and deciding, with one endpoint; nothing is sent to it."""
    from offload_sdk._types import ImageInfo, Snapshot

    config = OffloadConfig(
        server_url="http://127.0.0.1:9",
        policy=policy,
        log={"enabled": False},
        probe={"enabled": False},
        home=_home(),
    )
    rows: list[Row] = []
    image = ImageInfo(format="JPEG", width=4000, height=3000, encoded_bytes=3_000_000)
    with Offloader(config) as offloader:
        snapshot = Snapshot(taken_s=0.0, battery_frac=0.5, on_mains=False, cpu_load_frac=0.3)
        wall_us, cpu_us = [], []
        for _ in range(repeat):
            now_s = time.monotonic()
            started, started_cpu = time.perf_counter_ns(), time.thread_time_ns()
            offloader._decide(image, snapshot, 0.2, now_s)
            cpu_us.append((time.thread_time_ns() - started_cpu) / 1e3)
            wall_us.append((time.perf_counter_ns() - started) / 1e3)
    for clock, times in (("CPU time", cpu_us), ("wall time, other programs included", wall_us)):
        times.sort()
        for name, share in (("median", 0.5), ("p99", 0.99)):
            rows.append(
                Row(
                    name=f"estimate + decide, {policy}, {name}",
                    value=times[int(share * len(times))],
                    unit="µs",
                    bound=50.0 if share > 0.9 else None,
                    note=f"{clock}; {repeat} decisions in a row, two options",
                )
            )
    return rows


_MEMORY = """
import sys, psutil
from offload_sdk import Offloader, OffloadConfig
image, count = sys.argv[1], int(sys.argv[2])
me = psutil.Process()
with Offloader(OffloadConfig(policy="local")) as offloader:
    offloader.classify(image)
    print(me.memory_info().rss)
    for n in range(count):
        offloader.classify(image)
        if n == count // 10:
            print(me.memory_info().rss)
    print(me.memory_info().rss)
"""

_FLOOR = """
import sys, psutil, numpy, PIL.Image
from offload_sdk.model.runtime import new_interpreter
from pathlib import Path
interpreter = new_interpreter(Path(sys.argv[1]), 1)
interpreter.invoke()
print(psutil.Process().memory_info().rss)
"""


def memory(model: Path, images: int) -> list[Row]:
    """Resident memory in processes of their own: after the first image, and its growth over many."""
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.jpg"
        Image.fromarray(camera_frame()).save(photo)
        environment = {**os.environ, "OFFLOAD_HOME": str(_home()), "OFFLOAD_LOG__PATH": f"{folder}/log.sqlite3"}

        def run(code: str, *arguments: str) -> list[int]:
            command = [sys.executable, "-c", code, *arguments]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
            return [int(line) for line in done.stdout.split()]

        (floor,) = run(_FLOOR, str(model))
        first, early, late = run(_MEMORY, str(photo), str(images))
    return [
        Row(name="memory floor: NumPy, Pillow, runtime, model", value=floor / 1e6, unit="MB"),
        Row(name="memory after the first local image", value=first / 1e6, unit="MB", bound=130.0),
        Row(
            name=f"memory growth from image {images // 10} to {images}",
            value=(late - early) / 1e6,
            unit="MB",
            bound=2.0,
        ),
    ]


def imports() -> list[Row]:
    code = (
        "import time; t = time.perf_counter(); import offload_sdk; print(time.perf_counter() - t); import sys;"
        "print(*[m for m in ('numpy', 'requests', 'pydantic', 'PIL', 'ai_edge_litert') if m in sys.modules])"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        for _ in range(5)
    ]
    return [
        Row(name="import offload_sdk", value=statistics.median(float(r[0]) for r in runs) * 1e3, unit="ms"),
        Row(name="heavy packages that the import loads", value=len(runs[0][1].split()), unit="", bound=0.0),
    ]


def _home() -> Path:
    """A folder that keeps the built model from run to run, apart from the user's own."""
    return Path(tempfile.gettempdir()) / "offload-sdk-benchmarks"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=200, help="rounds of each comparison (default 200)")
    parser.add_argument("--images", type=int, default=10_000, help="images of the memory test (default 10000)")
    options = parser.parse_args()
    config = OffloadConfig(policy="local", home=_home())
    model = resolve("efficientnet_lite0", config.models_dir)
    with Offloader(config) as offloader:
        threads = offloader.status()["local"]["threads"]
        rows = overhead(offloader, Classifier(model, threads=threads), options.repeat)
    rows += decisions("auto", 20_000) + decisions("bandit", 20_000)
    rows += imports()
    rows += memory(model.path, options.images)
    publish("sdk", rows)


if __name__ == "__main__":
    main()
