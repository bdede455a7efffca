"""The demonstration from beginning to end: who is started when, and what is left behind. Shown on a `Screen`."""

from __future__ import annotations

import itertools
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from offload_sdk.cli.demo.course import Phase, course
from offload_sdk.cli.demo.photos import Photo, write_photos
from offload_sdk.cli.demo.processes import Device, DeviceGoneError, device, server
from offload_sdk.cli.demo.result import draw, judge
from offload_sdk.cli.demo.screen import Row, Screen
from offload_sdk.cli.demo.slow_board import slowed
from offload_sdk.errors import OffloadError

if TYPE_CHECKING:
    from offload_sdk.testing import LinkEmulator

__all__ = ["Options", "run"]

MODEL = "efficientnet_lite0"  # the one that needs no download
_INTERVAL_S = 0.5
_SHADOW_RATE = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`seconds` is the time of the classifying; `out` the folder for all that the demonstration writes."""

    seconds: float
    slow: bool
    out: Path


def run(options: Options, screen: Screen) -> bool:
    """Run the demonstration; return whether every image got an answer with a right label.

    Server, device, link and cgroup are gone when this returns or raises. Raises `OffloadError`.
    """
    out = options.out.absolute()  # the processes have working folders of their own
    home = _prepare(out)
    phases = course(options.seconds)
    screen.say(
        "Photographs are classified by a device or a server, whichever is better while the link between them "
        f"changes and breaks. All on this machine, in about {_expected_s(options):.0f} s. "
        f"Files go to {options.out}/.",
    )
    with ExitStack() as stack:
        stack.enter_context(_signals_as_interrupt())
        screen.say("Preparing the photographs and the model.", "dim")
        photos = write_photos(out / "photos")
        board = stack.enter_context(device(home))
        board.ask("load", home=str(home), model=MODEL)
        emulated, how = False, "Nothing is slowed down (--no-slow): expect the local path to win."
        if options.slow:
            emulated, how = stack.enter_context(slowed(board.pid))
        screen.say(how, "dim")
        with screen.progress("calibrating") as tell:
            profile = board.ask("calibrate", tell, home=str(home), model=MODEL)
        screen.say(f"Calibrated: one inference takes {1e3 * profile['infer_s']:.0f} ms on it.", "dim")
        url = stack.enter_context(server(home, MODEL))
        screen.say(f"Server at {url}, behind an emulated link.", "dim")
        link = stack.enter_context(_link(url))
        board.ask("connect", settings=_settings(home, link.url), emulated=emulated)
        asked = _classify_all(board, link, photos, phases, options.seconds, screen)
        board.ask("close")
    return _conclude(asked, photos, phases, options, screen)


def _classify_all(
    board: Device,
    link: LinkEmulator,
    photos: Sequence[Photo],
    phases: Sequence[Phase],
    seconds: float,
    screen: Screen,
) -> int:
    """Have one photograph after the other classified while the link takes its course; return how many."""
    start_s = time.monotonic()
    coming = list(phases)
    asked = 0
    with screen.table(seconds) as show:
        for photo in itertools.cycle(photos):
            at_s = time.monotonic() - start_s
            if at_s >= seconds:
                break
            while coming and coming[0].start_s <= at_s:
                _switch(link, coming[0])
                screen.phase(coming.pop(0))
            asked += 1
            show(_classify(board, photo, at_s))
            time.sleep(max(0.0, start_s + at_s + _INTERVAL_S - time.monotonic()))
    return asked


def _classify(board: Device, photo: Photo, at_s: float) -> Row:
    try:
        return Row(at_s=at_s, photo=photo.title, answer=board.ask("classify", image=str(photo.path)))
    except DeviceGoneError:
        raise
    except OffloadError as error:
        return Row(at_s=at_s, photo=photo.title, answer=None, error=str(error))


def _conclude(
    asked: int, photos: Sequence[Photo], phases: Sequence[Phase], options: Options, screen: Screen
) -> bool:
    from offload_sdk.log import read_rows
    from offload_sdk.report import summarise
    from offload_sdk.report.render import NOTES, plain, rich_table

    home, picture = options.out / "home", options.out / "decisions.png"
    if not (home / "log.sqlite3").is_file():
        raise OffloadError("no image got as far as the log")
    records = list(read_rows(home / "log.sqlite3"))
    report = summarise(records)
    screen.say("")
    if screen.console.is_terminal:
        width = screen.console.width
        screen.console.print(rich_table(report, columns=width))
        screen.console.print(rich_table(report, baseline=True, columns=width))
        for note in NOTES:
            screen.say(note, "dim")
    else:
        screen.say(plain(report))
    draw(records, phases, picture)
    verdict = judge(asked, records, photos)
    screen.say("")
    screen.say(
        f"{verdict.answered} of {verdict.images} images answered, {verdict.right} with a right label; where both "
        f"paths ran, they agreed on {verdict.agreed} of {verdict.both}.",
        "bold green" if verdict.good else "bold red",
    )
    screen.say(f"Picture   {picture}")
    screen.say(f"Again     OFFLOAD_HOME={home} offload-sdk report --html {options.out / 'report.html'}")
    screen.say("Your own  offload-sdk classify PHOTO.jpg")
    return verdict.good


def _expected_s(options: Options) -> float:
    """Preparing and calibrating take this long besides on a PC of our days, the latter slowed down or not."""
    return options.seconds + (40.0 if options.slow else 12.0)


def _prepare(out: Path) -> Path:
    """Make the folder of the demonstration's state, without the log of an earlier one."""
    home = out / "home"
    try:
        home.mkdir(parents=True, exist_ok=True)
        for old in home.glob("log.sqlite3*"):
            old.unlink()
    except OSError as error:
        raise OffloadError(f"{error.filename}: {error.strerror}; give another folder with --out") from None
    return home


def _settings(home: Path, url: str) -> dict[str, Any]:
    return {
        "home": str(home),
        "model": MODEL,
        "server_url": url,
        "log": {"shadow_rate": _SHADOW_RATE},
        "probe": {"interval_s": 1.0},
    }


@contextmanager
def _link(url: str) -> Iterator[LinkEmulator]:
    from offload_sdk.testing import LinkEmulator

    with LinkEmulator(url) as link:
        yield link


def _switch(link: LinkEmulator, phase: Phase) -> None:
    link.override(phase.uplink_mbps, phase.rtt_ms)
    link.black_hole(phase.dead)


@contextmanager
def _signals_as_interrupt() -> Iterator[None]:
    """Have the first signal that ends programs raise `KeyboardInterrupt`, and none after it disturb that."""
    previous: dict[int, Callable[..., Any] | int | None] = {}

    def interrupt(number: int, frame: FrameType | None) -> None:
        for each in previous:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    with suppress(ValueError):  # only the main thread may
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                number = getattr(signal, name)
                previous[number] = signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
