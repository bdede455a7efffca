"""Classify what a camera sees, for as long as it runs.

    python examples/camera_loop.py --source picamera
    python examples/camera_loop.py --source /dev/video0 --server http://192.168.1.20:8080
    python examples/camera_loop.py --source rtsp://camera.local/stream --deadline 0.2
    python examples/camera_loop.py --source clip.mp4 --count 50
    python examples/camera_loop.py --source pictures/ --fps 2 --repeat

One thread takes frames and puts each into a mailbox that holds one. Whoever is too slow to empty it in time finds
the newest frame there and never an old one: frames are dropped rather than queued. Ctrl-C or SIGTERM ends it.

Cameras, streams and video files need PyAV (pip install 'offload-sdk[camera]'); the camera module of a Raspberry
Pi needs picamera2 (sudo apt install python3-picamera2).
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from offload_sdk import InvalidImageError, OffloadConfig, Offloader, OffloadError

PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif"}


def picamera_frames(fps: float) -> Iterator[Any]:
    """Arrays of shape (height, width, 3), RGB, from the camera module of a Raspberry Pi."""
    from picamera2 import Picamera2

    with Picamera2() as camera:
        # picamera2 names formats from the last byte to the first: "BGR888" is R, G, B in memory.
        main = {"size": (640, 480), "format": "BGR888"}
        camera.configure(camera.create_video_configuration(main=main, controls={"FrameRate": fps}))
        camera.start()
        while True:
            yield camera.capture_array("main")


def video_frames(source: str, fps: float, *, live: bool) -> Iterator[Any]:
    """Arrays of shape (height, width, 3), RGB, at most `fps` a second, from a V4L2 device, a stream or a file.

    A file is played at its own speed, as a camera would give it.
    """
    import av

    kind = "v4l2" if source.startswith("/dev/") else None
    options = {"rtsp_transport": "tcp"} if source.startswith("rtsp") else {}
    with av.open(source, format=kind, options=options, timeout=10.0) as video:
        started_s = due_s = time.monotonic()
        for frame in video.decode(video=0):
            if not live and frame.time is not None:
                time.sleep(max(0.0, started_s + frame.time - time.monotonic()))
            now_s = time.monotonic()
            if now_s >= due_s:
                due_s = max(due_s + 1.0 / fps, now_s)
                yield frame.to_ndarray(format="rgb24")


def folder_frames(folder: Path, fps: float) -> Iterator[Path]:
    """The paths of a folder's pictures, `fps` a second."""
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in PICTURES)
    if not files:
        raise ValueError(f"there are no pictures in {folder}")
    for file in files:
        yield file
        time.sleep(1.0 / fps)


def frames(source: str, fps: float, *, repeat: bool = False) -> Iterator[Any]:
    """What `source` gives, in any form that `classify` takes. A folder or file starts over with `repeat`."""
    if source == "picamera":
        yield from picamera_frames(fps)
        return
    live = source.startswith("/dev/") or "://" in source
    while True:
        if Path(source).is_dir():
            yield from folder_frames(Path(source), fps)
        else:
            yield from video_frames(source, fps, live=live)
        if live or not repeat:
            return


class Mailbox:
    """Holds the newest frame. `seen` counts what was put in, `dropped` what nobody took."""

    def __init__(self) -> None:
        self.seen = self.dropped = 0
        self.error: Exception | None = None
        self._frame: Any = None
        self._closed = False
        self._changed = threading.Condition()  # its lock may be taken again by a signal handler

    def put(self, frame: Any) -> bool:
        """Replace what is there; return whether anybody still reads."""
        with self._changed:
            if not self._closed:
                self.seen += 1
                self.dropped += self._frame is not None
                self._frame = frame
                self._changed.notify_all()
            return not self._closed

    def take(self) -> Any | None:
        """Wait for a frame and take it out; None when there will be no more."""
        with self._changed:
            while self._frame is None and not self._closed:
                self._changed.wait(1.0)  # a wait without an end would keep Windows from seeing Ctrl-C
            frame, self._frame = self._frame, None
            return frame

    def close(self, error: Exception | None = None, *, now: bool = False) -> None:
        """Take no more frames; `now`, also give none."""
        with self._changed:
            self._closed, self.error = True, self.error or error
            if now and self._frame is not None:
                self._frame = None
                self.dropped += 1
            self._changed.notify_all()


def capture(source: str, fps: float, repeat: bool, mailbox: Mailbox) -> None:
    """Fill the mailbox until the source ends or nobody reads; its own thread, so it never holds up a camera."""
    try:
        for frame in frames(source, fps, repeat=repeat):
            if not mailbox.put(frame):
                break
        mailbox.close()
    except ImportError as error:
        mailbox.close(RuntimeError(f"{error}; how to install it stands at the top of {Path(__file__).name}"))
    except Exception as error:  # whatever ended the source ends the loop, which says what it was
        mailbox.close(error)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Classify what a camera sees.")
    parser.add_argument(
        "--source", required=True, help="picamera, /dev/video0, rtsp://…, a video file or a folder"
    )
    parser.add_argument("--server", metavar="URL", help="default: that of the settings, if any")
    parser.add_argument("--deadline", type=float, metavar="S", help="seconds by which an answer is wanted")
    parser.add_argument("--fps", type=float, default=10.0, help="frames a second to take (default 10)")
    parser.add_argument("--count", type=int, metavar="N", help="stop after this many images")
    parser.add_argument("--repeat", action="store_true", help="start a folder or video file over at its end")
    options = parser.parse_args(arguments)
    if options.fps <= 0:
        parser.error("--fps must be more than 0")
    given = {"server_url": options.server, "deadline_s": options.deadline}

    mailbox = Mailbox()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: mailbox.close(now=True))
    camera = threading.Thread(
        target=capture, args=(options.source, options.fps, options.repeat, mailbox), name="camera", daemon=True
    )
    paths: Counter[str] = Counter()
    with Offloader(
        OffloadConfig(**{name: value for name, value in given.items() if value is not None})
    ) as offloader:
        camera.start()
        started_s = time.monotonic()
        while options.count is None or paths.total() < options.count:
            frame = mailbox.take()
            if frame is None:
                break
            try:
                result = offloader.classify(frame)
            except InvalidImageError as error:
                print(f"skipped: {error}", file=sys.stderr)
                continue
            best = result.labels[0]
            paths[result.path] += 1
            print(
                f"{best.name} ({best.probability:.0%}), {result.path} in {result.latency_s * 1e3:.0f} ms",
                flush=True,
            )
        lasted_s = time.monotonic() - started_s
        mailbox.close(now=True)
        camera.join(2.0)  # it lets go of the camera; one that hangs in a dead stream ends with the process

    done = paths.total()
    shares = "".join(f", {count / done:.0%} {path}" for path, count in sorted(paths.items()))
    rate = f"{done / max(lasted_s, 1e-9):.1f} a second"
    print(f"{mailbox.seen} frames, {mailbox.dropped} dropped, {done} classified, {rate}{shares}", file=sys.stderr)
    if mailbox.error is not None:
        print(f"error: {options.source}: {mailbox.error}", file=sys.stderr)
    return 0 if mailbox.error is None else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OffloadError as error:
        sys.exit(f"error: {error}")
