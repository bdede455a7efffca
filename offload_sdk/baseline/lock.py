"""One process at a time: a lock on an open file, which the system releases when the process dies, however."""

from __future__ import annotations

import os
import sys

__all__ = ["try_lock"]

if sys.platform == "win32":
    import msvcrt

    _BEYOND = 1 << 40  # Windows keeps others from reading what is locked, so a byte past the end is

    def try_lock(file: int) -> bool:
        """Lock the open file; return false if another process holds it."""
        os.lseek(file, _BEYOND, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def try_lock(file: int) -> bool:
        """Lock the open file; return false if another process holds it."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
