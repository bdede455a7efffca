"""The journal: what it took is there afterwards, whatever happened to the process, the disk or the file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from offload_sdk.baseline.journal import FILE_NAME, Journal
from offload_sdk.errors import OffloadError


def _read(data: bytes) -> int:
    return int(data.decode().removeprefix("line "))


def _write(number: int) -> bytes:
    return b"line %d" % number


def _open(folder: Path) -> Journal[int]:
    return Journal(folder, read=_read, write=_write)


def _lines(folder: Path) -> list[int]:
    with _open(folder) as journal:
        return journal.lines


def _run(folder: Path, code: str) -> subprocess.Popen[str]:
    """Run code in another process that has the journal open as `journal`."""
    before = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom offload_sdk.baseline.journal import Journal\n"
        "journal = Journal(Path(sys.argv[1]), read=lambda d: int(d[5:]), write=lambda n: b'line %d' % n)\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", before + code, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_lines_are_there_when_it_is_opened_again(tmp_path: Path) -> None:
    with _open(tmp_path / "new" / "folder") as journal:
        assert journal.lines == []
        for number in range(3):
            journal.append(number)
    assert _lines(tmp_path / "new" / "folder") == [0, 1, 2]


@pytest.mark.parametrize("left", range(len(b"line 1\n")))
def test_a_torn_last_line_is_cut_off(tmp_path: Path, left: int) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"line 0\n" + b"line 1\n"[:left])
    with _open(tmp_path) as journal:
        assert journal.lines == [0]
        journal.append(7)
    assert (tmp_path / FILE_NAME).read_bytes() == b"line 0\nline 7\n"


@pytest.mark.parametrize("rest", [b"\0" * 50, b"\0" * 50 + b"\n", b"no line\n", b"\xff\n"])
def test_what_a_power_cut_leaves_at_the_end_is_cut_off(tmp_path: Path, rest: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"line 0\n" + rest)
    assert _lines(tmp_path) == [0]
    assert (tmp_path / FILE_NAME).read_bytes() == b"line 0\n"


def test_damage_in_the_middle_is_told_and_nothing_is_touched(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"line 0\nlime 1\nline 2\n")
    with pytest.raises(OffloadError, match=r"line 2 of .* is damaged"):
        _open(tmp_path)
    assert (tmp_path / FILE_NAME).read_bytes() == b"line 0\nlime 1\nline 2\n"


def test_two_processes_cannot_have_it_and_a_killed_one_lets_go(tmp_path: Path) -> None:
    holder = _run(tmp_path, "journal.append(0)\nprint('open', flush=True)\nsys.stdin.read()\n")
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(OffloadError, match="another process is measuring"):
            _open(tmp_path)
        holder.kill()
        holder.wait(20)
        assert _lines(tmp_path) == [0]
    finally:
        holder.kill()
        holder.communicate()


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits on the size of a file")
def test_a_full_disk_is_one_clear_error_and_loses_nothing(tmp_path: Path) -> None:
    code = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (45, 45))  # the seventh line does not fit, but begins to
for number in range(9):
    try:
        journal.append(number)
    except Exception as error:
        print(type(error).__name__, error)
        break
os.kill(os.getpid(), signal.SIGKILL)
"""
    out, _ = _run(tmp_path, code.replace("break", "sys.stdout.flush(); break")).communicate(timeout=60)
    assert out.startswith("OffloadError")
    assert "File too large; what was measured before is kept: make room" in out
    assert (tmp_path / FILE_NAME).read_bytes() == b"".join(b"line %d\n" % number for number in range(6))


def test_after_an_interrupted_line_the_next_one_takes_its_place(tmp_path: Path) -> None:
    with _open(tmp_path) as journal:
        journal.append(0)
        with (tmp_path / FILE_NAME).open("ab") as other:
            other.write(b"line 1 was long but interru")
        journal.append(2)
    assert (tmp_path / FILE_NAME).read_bytes() == b"line 0\nline 2\n"


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OffloadError, match="cannot be written: Permission denied; give another folder"):
        _open(tmp_path / "out")


def test_a_file_in_the_way_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(OffloadError, match="out cannot be written: File exists; give another folder"):
        _open(tmp_path / "out")
