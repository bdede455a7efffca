"""Downloads a model of the catalogue: bounded, resumable, and verified before a byte of it is unpacked.

The partial archive lies beside the models as `NAME.tgz.part`, with the server's validator (ETag or date) in
`NAME.tgz.part.json`: without one a download cannot be resumed safely and starts again. Two processes that pull
the same model at once spoil each other's part; the checksum then tells. Which models exist, and where a mirror is
configured, is decided by others.
"""

from __future__ import annotations

import errno
import hashlib
import json
import tarfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from offload_sdk.errors import ModelError
from offload_sdk.model.catalogue import CatalogueEntry, model_path, write_atomically

if TYPE_CHECKING:
    import requests

__all__ = ["DEFAULT_BASE_URL", "FetchLimits", "Progress", "fetch"]

DEFAULT_BASE_URL = "https://storage.googleapis.com/mobilenet_v3/checkpoints"

Progress = Callable[[int, "int | None"], None]
"""Told the bytes that are here and the total, None if the server does not say."""

_BLOCK_BYTES = 1 << 14  # small, as the total time is looked at after each block
_OK, _PARTIAL, _RANGE_NOT_SATISFIABLE = 200, 206, 416
_TRANSIENT = (408, 429, 500, 502, 503, 504)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
    """`total_s` bounds the whole download, `connect_s` and `read_s` one silence; `pause_s` grows per attempt."""

    connect_s: float = 10.0
    read_s: float = 30.0
    total_s: float = 1800.0
    attempts: int = 4
    pause_s: float = 1.0
    max_archive_bytes: int = 256 * 2**20
    max_model_bytes: int = 128 * 2**20


class _TransferError(Exception):
    """This attempt failed, but the next one may succeed."""


def fetch(
    entry: CatalogueEntry,
    models_dir: Path,
    *,
    base_url: str = DEFAULT_BASE_URL,
    progress: Progress | None = None,
    limits: FetchLimits | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Path:
    """Download the entry's archive, verify it and put its model into the cache. Return the model's path.

    Raises:
        ModelError: nothing to download, no connection, a wrong checksum, no space, or out of time. What can be
            resumed by calling again is kept.
    """
    if entry.url is None or entry.archive_sha256 is None or entry.member is None:
        raise ModelError(f"The model {entry.name} is built on the device; there is nothing to download.")
    limits = limits or FetchLimits()
    part = _Part(models_dir / f"{entry.name}.tgz.part")
    try:
        models_dir.mkdir(parents=True, exist_ok=True)
        url = f"{base_url.rstrip('/')}/{entry.url}"
        if _digest(part) != entry.archive_sha256:  # else the last call got everything but could not store it
            _download(url, part, limits, progress or (lambda done, total: None), clock, sleep)
        _verify(entry, part, url)
        content = _member(entry, part, limits)
        if entry.sha256 is not None and hashlib.sha256(content).hexdigest() != entry.sha256:
            part.discard()
            raise ModelError(f"The archive of {entry.name} holds another model than the expected one.")
    except OSError as error:
        if error.errno == errno.ENOSPC:  # what is kept to go on with would keep the disk full
            part.discard()
        raise ModelError(
            f"The model {entry.name} cannot be stored in {models_dir}: {error.strerror or error}. "
            "Free some space there or set OFFLOAD_HOME to another folder, then pull it again."
        ) from error
    path = model_path(entry.name, models_dir)
    write_atomically(path, content)
    part.discard()
    return path


class _Part:
    """The part of an archive that is here, and the validator of the file it belongs to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._facts = path.with_name(path.name + ".json")

    @property
    def size(self) -> int:
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def validator(self, url: str) -> str | None:
        """What `If-Range` takes, if the part can be continued from `url`."""
        try:
            facts = json.loads(self._facts.read_text(encoding="utf-8"))
            validator = facts["validator"] if facts["url"] == url and self.size else None
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return validator if isinstance(validator, str) else None

    def begin(self, url: str, validator: str | None) -> None:
        self.path.write_bytes(b"")
        self._facts.write_text(json.dumps({"url": url, "validator": validator}), encoding="utf-8")

    def discard(self) -> None:
        for path in (self.path, self._facts):
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _download(
    url: str,
    part: _Part,
    limits: FetchLimits,
    progress: Progress,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> None:
    ends_s = clock() + limits.total_s
    pause_s = limits.pause_s
    for attempts_left in reversed(range(limits.attempts)):
        failure = _attempt(url, part, limits, progress, clock, ends_s)
        if failure is None:
            return
        if not attempts_left or clock() + pause_s >= ends_s:
            kept = f" {part.size:,} bytes are kept; pull again to go on." if part.validator(url) else ""
            raise ModelError(
                f"{url} cannot be downloaded: {failure}. Check the connection, or name a mirror with "
                f"OFFLOAD_MODEL_MIRROR.{kept}"
            ) from failure
        sleep(pause_s)
        pause_s *= 2


def _attempt(
    url: str, part: _Part, limits: FetchLimits, progress: Progress, clock: Callable[[], float], ends_s: float
) -> _TransferError | None:
    """One request. Returns why it should be tried again, None when all bytes are here."""
    import requests

    # The archive is compressed already, and a length of compressed transfer would not be the file's.
    headers = {"Accept-Encoding": "identity"}
    validator = part.validator(url)
    if validator is not None:
        headers |= {"Range": f"bytes={part.size}-", "If-Range": validator}
    timeout = (limits.connect_s, limits.read_s)
    try:
        with requests.get(url, headers=headers, timeout=timeout, stream=True) as response:
            total = _start(url, response, part, limits)
            done = part.size
            progress(done, total)
            with part.path.open("ab") as stream:
                for block in response.iter_content(_BLOCK_BYTES):
                    done += len(block)
                    if done > limits.max_archive_bytes:
                        part.discard()
                        raise ModelError(
                            f"{url} is larger than {limits.max_archive_bytes:,} bytes, so it is wrong."
                        )
                    stream.write(block)
                    progress(done, total)
                    if clock() >= ends_s:
                        raise _TransferError(f"it took longer than {limits.total_s:.0f} s")
        if total is not None and done != total:
            return _TransferError(f"the connection ended after {done:,} of {total:,} bytes")
    except _TransferError as error:
        return error
    except requests.RequestException as error:  # also an OSError, so it must not be taken for a full disk
        return _TransferError(_words(error))
    return None


def _start(url: str, response: requests.Response, part: _Part, limits: FetchLimits) -> int | None:
    """Makes `part` ready for the body that follows, and returns the size that it will have in the end."""
    if response.status_code == _RANGE_NOT_SATISFIABLE or (
        response.status_code == _PARTIAL and _range_start(response) != part.size
    ):
        part.discard()
        raise _TransferError("the server's file has changed")
    if response.status_code in _TRANSIENT:
        raise _TransferError(f"the server answered {response.status_code}")
    if response.status_code not in (_OK, _PARTIAL):
        raise ModelError(
            f"{url} cannot be downloaded: the server answered {response.status_code} {response.reason}. "
            "Check the address of the mirror, if one is set."
        )
    if response.status_code == _OK:  # from the beginning: nothing to resume, or the server will not
        etag = response.headers.get("ETag", "")
        strong = etag if etag and not etag.startswith("W/") else None
        part.begin(url, strong or response.headers.get("Last-Modified"))
    length = response.headers.get("Content-Length", "")
    total = part.size + int(length) if length.isdigit() else None
    if total is not None and total > limits.max_archive_bytes:
        part.discard()
        raise ModelError(f"{url} has {total:,} bytes, more than any model here, so it is wrong.")
    return total


def _range_start(response: requests.Response) -> int | None:
    unit, _, rest = response.headers.get("Content-Range", "").partition(" ")
    first = rest.partition("-")[0]
    return int(first) if unit == "bytes" and first.isdigit() else None


def _digest(part: _Part) -> str | None:
    digest = hashlib.sha256()
    try:
        with part.path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    except FileNotFoundError:
        return None
    return digest.hexdigest()


def _verify(entry: CatalogueEntry, part: _Part, url: str) -> None:
    found = _digest(part)
    if found != entry.archive_sha256:
        part.discard()
        raise ModelError(
            f"{url} is not the expected file: its SHA-256 is {found}, not {entry.archive_sha256}. "
            "It was removed. A proxy or a wrong mirror may have answered; pull it again."
        )


def _member(entry: CatalogueEntry, part: _Part, limits: FetchLimits) -> bytes:
    """The one file that is wanted, read by name: nothing of the archive is written anywhere."""
    try:
        with tarfile.open(part.path, "r:gz") as archive:
            for member in archive:
                if member.name.removeprefix("./") != entry.member or not member.isfile():
                    continue
                stream = archive.extractfile(member)
                if stream is None or member.size > limits.max_model_bytes:
                    break
                return stream.read()
    except (tarfile.TarError, EOFError, ValueError) as error:
        part.discard()
        raise ModelError(f"The archive of {entry.name} cannot be unpacked: {error}.") from error
    part.discard()
    raise ModelError(f"The archive of {entry.name} does not hold {entry.member}.")


def _words(error: Exception) -> str:
    import requests

    if isinstance(error, requests.Timeout):
        return "the server did not answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "the server's certificate is not trusted"
    if isinstance(error, requests.exceptions.ConnectionError):
        return "there is no connection"
    return type(error).__name__
