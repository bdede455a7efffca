"""The journal of an experiment: a file of lines that only grows. What the lines mean is `history.py`'s business.

What `append` has taken survives the process, and the machine's power: each line is on the disk before the next
measurement begins. A process that dies within a line leaves it torn; it is cut off at the next opening.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Generic, TypeVar

from offload_sdk.baseline.lock import try_lock
from offload_sdk.errors import OffloadError

__all__ = ["FILE_NAME", "Journal"]

FILE_NAME = "journal.jsonl"
_Line = TypeVar("_Line")


class Journal(Generic[_Line]):
    """The journal in a folder, locked against other processes until `close` or the end of this one.

    `lines` are what stood in it when it was opened. `read` makes a line of bytes, and raises `ValueError` for one
    that is none; `write` makes the bytes, without a line feed in them.

    Raises `OffloadError`: the file cannot be read or written, is damaged, or is in use.
    """

    def __init__(self, folder: Path, *, read: Callable[[bytes], _Line], write: Callable[[_Line], bytes]) -> None:
        self.path = folder / FILE_NAME
        self._write = write
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        except OSError as error:
            raise OffloadError(
                f"{folder} cannot be written: {error.strerror}; give another folder with --out"
            ) from None
        try:
            if not try_lock(self._file):
                raise OffloadError(
                    f"another process is measuring into {folder}; wait for it, or give another --out"
                )
            self.lines, self._size = self._open(read)
        except BaseException:
            os.close(self._file)
            raise

    def append(self, line: _Line) -> None:
        """Add a line; it is on the disk when this returns. If it cannot be, the journal is as it was before."""
        data = self._write(line) + b"\n"
        try:
            os.ftruncate(self._file, self._size)  # of a line that was interrupted
            os.lseek(self._file, self._size, os.SEEK_SET)
            left = memoryview(data)
            while left:
                left = left[os.write(self._file, left) :]
            os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, self._size)
            raise OffloadError(
                f"{self.path} cannot be written: {error.strerror}; what was measured before is kept: make room "
                "and start the same command again"
            ) from None
        self._size += len(data)

    def close(self) -> None:
        os.close(self._file)

    def __enter__(self) -> Journal[_Line]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self, read: Callable[[bytes], _Line]) -> tuple[list[_Line], int]:
        """Return the lines and their bytes, the file cut off behind the last whole one."""
        content = self.path.read_bytes()
        parts = content.split(b"\n")[:-1]  # behind the last line feed is nothing, or what is torn
        lines: list[_Line] = []
        size = 0
        for number, part in enumerate(parts, start=1):
            try:
                lines.append(read(part))
            except ValueError:
                if number < len(parts):
                    raise OffloadError(
                        f"line {number} of {self.path} is damaged; put the file back from a copy, or give another "
                        "folder with --out"
                    ) from None
                break  # torn as well: after a power cut a file may be longer than what was written
            size += len(part) + 1
        if size < len(content):
            os.ftruncate(self._file, size)
        return lines, size
