"""The images of an experiment: found once, read once, and told apart from what is no image. Sends nothing."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from offload_sdk.errors import ConfigurationError, InvalidImageError, OffloadError
from offload_sdk.model import InputSpec, PictureLimits, open_picture
from offload_sdk.model.sources import read_file

__all__ = ["Found", "ImageFile", "find_images"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFile:
    """`name` is the path below the folder of images, with forward slashes; `sha256` is of the whole file."""

    name: str
    path: Path
    size_bytes: int
    changed_ns: int
    sha256: str
    media_type: str

    def check_unchanged(self) -> None:
        """Raise `OffloadError` if the file is no longer what was read at the start."""
        try:
            facts = self.path.stat()
        except OSError as error:
            raise OffloadError(f"the image {self.path} is gone: {error.strerror}") from None
        if (facts.st_size, facts.st_mtime_ns) != (self.size_bytes, self.changed_ns):
            raise OffloadError(f"the image {self.path} was changed while it was measured")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The images by name, and the names of the files that are none that can be used."""

    images: tuple[ImageFile, ...]
    skipped: tuple[str, ...]


def find_images(
    places: Sequence[Path],
    limits: PictureLimits,
    tell: Callable[[float], None] = lambda frac: None,
    *,
    without: Path | None = None,
) -> Found:
    """Return the images among these files and in these folders, subfolders included.

    Hidden files and folders are passed over, links to folders are not followed. A file counts as an image by what
    is in it, whatever it is called; it is read whole, which also leaves it in the system's cache for every target
    alike. Names are relative to the folder that holds them all. `tell` hears the share that has been read. The
    folder `without` is passed over: the figures of an experiment are no images of it.

    Raises `ConfigurationError` if a place does not exist, or there is no image at all.
    """
    hidden = None if without is None else without.resolve()
    files = sorted({file for place in places for file in _files(place.absolute(), hidden)})
    roots = [place.absolute() if place.is_dir() else place.absolute().parent for place in places]
    root = Path(os.path.commonpath(roots))
    images: dict[str, ImageFile] = {}
    skipped = []
    for number, file in enumerate(files):
        tell(number / len(files))
        name = _name(file.relative_to(root))
        try:
            images[name] = _read(file, name, limits)
        except InvalidImageError:
            skipped.append(name)
    if not images:
        where = ", ".join(map(str, places))
        raise ConfigurationError(f"there is no image in {where}; give a folder of photographs, or their files")
    return Found(images=tuple(images.values()), skipped=tuple(skipped))


def _files(place: Path, without: Path | None) -> Iterator[Path]:
    if not place.is_dir():
        if not place.exists():
            raise ConfigurationError(f"there is no file or folder {place}")
        yield place
        return
    if place.resolve() == without:
        raise ConfigurationError(f"the images lie in {without} itself; give another folder with --out")

    def refuse(error: OSError) -> None:
        raise ConfigurationError(f"the folder {error.filename} cannot be read: {error.strerror}")

    for folder, folders, names in os.walk(place, onerror=refuse):
        folders[:] = [
            name for name in folders if not name.startswith(".") and Path(folder, name).resolve() != without
        ]
        yield from (Path(folder, name) for name in names if not name.startswith("."))


def _name(path: Path) -> str:
    """The path as text that any encoding can hold; what is not UTF-8 in it is shown with escapes."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def _read(file: Path, name: str, limits: PictureLimits) -> ImageFile:
    content = read_file(file, limits)
    info = open_picture(content, InputSpec(), limits=limits).info
    return ImageFile(
        name=name,
        path=file,
        size_bytes=len(content),
        changed_ns=file.stat().st_mtime_ns,
        sha256=hashlib.sha256(content).hexdigest(),
        media_type=f"image/{info.format.lower()}",
    )
