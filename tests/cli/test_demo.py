"""`offload-sdk demo`: a short run from beginning to end, its end by Ctrl-C, and its parts."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from offload_sdk._types import Decision, ImageInfo, Label, Outcome, Record, Snapshot
from offload_sdk.cli.demo import demo
from offload_sdk.cli.demo.course import course
from offload_sdk.cli.demo.photos import Photo
from offload_sdk.cli.demo.result import judge
from offload_sdk.cli.demo.screen import why
from offload_sdk.cli.demo.slow_board import slowed
from offload_sdk.errors import ConfigurationError

_URL = re.compile(r"Server at http://127\.0\.0\.1:(\d+)")


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all runs: photographs and model are made once."""
    pytest.importorskip("skimage")
    pytest.importorskip("matplotlib")
    pytest.importorskip("uvicorn")
    return tmp_path_factory.mktemp("demo") / "out"


@pytest.fixture
def start(out: Path, tmp_path: Path):
    """`start(*arguments)` starts the demo among settings of the user that would break it."""
    (tmp_path / "offload.toml").write_text("policy = 'no such policy'")
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "offload_sdk", "demo", "--no-slow", "--out", str(out), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env={
                **os.environ,
                "OFFLOAD_HOME": str(tmp_path / "own"),
                "OFFLOAD_MODEL": "missing.tflite",
                "OFFLOAD_SERVER_URL": "http://127.0.0.1:9",
                "HTTP_PROXY": "http://127.0.0.1:9",
            },
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_a_short_run(start: Any, out: Path, tmp_path: Path) -> None:
    process = start("--seconds", "6")
    text, err = process.communicate(timeout=180)
    assert process.returncode == 0, text + err
    for phase in course(6.0):
        assert f"-- {phase.title}" in text
    assert "\x1b" not in text
    assert "Nothing is slowed down" in text
    assert "Runs that served the answer" in text
    images = [
        line for line in text.splitlines() if re.match(r" *\d+\.\d  (coffee|cat|rocket|motorcycle|camera)", line)
    ]
    assert f"{len(images)} of {len(images)} images answered, {len(images)} with a right label" in text
    assert len(images) >= 5
    assert (out / "decisions.png").read_bytes().startswith(b"\x89PNG")
    assert not (tmp_path / "own").exists()
    url = _URL.search(text)
    assert url is not None
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(url[1]))) != 0  # the server is gone


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("number", "moment", "processes"),
    [(signal.SIGINT, " 0.0  coffee", 2), (signal.SIGTERM, "Nothing is slowed down", 1)],
    ids=["while it classifies", "while it calibrates"],
)
def test_a_signal_ends_it_and_all_that_it_started(
    start: Any, number: signal.Signals, moment: str, processes: int
) -> None:
    process = start("--seconds", "60")
    seen = ""
    while moment not in seen:
        line = process.stdout.readline()
        assert line, process.communicate()
        seen += line
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) == processes
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive


@pytest.mark.parametrize("module", ["skimage", "matplotlib", "uvicorn"])
def test_a_missing_package_is_named(module: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigurationError, match=r"pip install 'offload-sdk\[demo\]'"):
        demo(out=tmp_path)


def test_an_unusable_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = subprocess.run(
        [sys.executable, "-m", "offload_sdk", "demo", "--out", str(tmp_path / "file" / "out")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "--out" in done.stderr
    assert "Traceback" not in done.stderr


# The link


@pytest.mark.parametrize("seconds", [4.0, 50.0])
def test_the_course_begins_and_ends_well_and_dies_between(seconds: float) -> None:
    phases = course(seconds)
    starts = [phase.start_s for phase in phases]
    assert starts[0] == 0.0
    assert starts == sorted(set(starts))
    assert starts[-1] < seconds
    assert [phase.dead for phase in phases] == [False, False, False, True, False]


# The slowed board


_SPIN = "import time\nprint(flush=True)\nwhile True: pass"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="cgroups and signals of Linux")
@pytest.mark.parametrize("cgroups", [True, False])
def test_a_slowed_process_gets_a_small_share_and_is_let_go(cgroups: bool) -> None:
    process = subprocess.Popen([sys.executable, "-c", _SPIN], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        spinner = psutil.Process(process.pid)
        with slowed(process.pid, cgroups=cgroups) as (is_slowed, how):
            assert is_slowed or "Raspberry Pi" in how
            before, started_s = spinner.cpu_times().user, time.monotonic()
            time.sleep(1.5)
            share = (spinner.cpu_times().user - before) / (time.monotonic() - started_s)
            if is_slowed:
                assert share < 0.3
        assert spinner.status() != psutil.STATUS_STOPPED
        assert not [
            line for line in Path(f"/proc/{process.pid}/cgroup").read_text().split() if "offload-demo" in line
        ]
    finally:
        process.kill()
        process.communicate()


def _system(root: Path, *, version: int, model: str = "A computer") -> Path:
    """A made-up /proc and /sys with one group that this process is in; return that group."""
    (root / "proc/device-tree").mkdir(parents=True)
    (root / "proc/device-tree/model").write_text(f"{model}\0")
    if version == 1:
        (root / "proc/self").mkdir()
        (root / "proc/self/cgroup").write_text("3:cpuset:/elsewhere\n2:cpu,cpuacct:/own\n")
        (root / "proc/mounts").write_text(
            "cgroup /cgroup/cpu cgroup rw,cpu,cpuacct 0 0\nx /cgroup/cpuset cgroup rw,cpuset 0 0\n"
        )
        group = root / "cgroup/cpu/own"
    else:
        (root / "proc/self").mkdir()
        (root / "proc/self/cgroup").write_text("0::/own\n")
        (root / "proc/mounts").write_text("cgroup2 /cgroup cgroup2 rw 0 0\n")
        group = root / "cgroup/own"
    group.mkdir(parents=True)
    return group


def test_the_quota_is_written_below_the_own_group(tmp_path: Path) -> None:
    group = _system(tmp_path, version=1)
    stale = group / "offload-demo-999999999"
    stale.mkdir()
    with slowed(4711, root=tmp_path) as (is_slowed, how):
        (made,) = group.glob("offload-demo-*")
        assert is_slowed
        assert "cgroup" in how
        assert (made / "cpu.cfs_quota_us").read_text() == "1000"
        assert (made / "cpu.cfs_period_us").read_text() == "12000"
        assert (made / "cgroup.procs").read_text() == "4711"
    assert not stale.exists()
    assert (group / "cgroup.procs").read_text() == "4711"  # moved out again


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="signals of POSIX")
def test_without_a_delegated_controller_signals_do_it_and_no_group_is_left(tmp_path: Path) -> None:
    _system(tmp_path, version=2)
    process = subprocess.Popen([sys.executable, "-c", _SPIN], stdout=subprocess.DEVNULL)
    try:
        with slowed(process.pid, root=tmp_path) as (is_slowed, how):
            assert is_slowed
            assert "signals" in how
            assert "not delegated" in how
    finally:
        process.kill()
        process.wait()
    assert not list(tmp_path.rglob("offload-demo-*"))


def test_a_raspberry_pi_is_left_as_it_is(tmp_path: Path) -> None:
    _system(tmp_path, version=1, model="Raspberry Pi 4 Model B Rev 1.4")
    with slowed(4711, root=tmp_path) as (is_slowed, how):
        assert not is_slowed
        assert "Raspberry Pi 4" in how
    assert not list(tmp_path.rglob("offload-demo-*"))


# What is said


def _answer(chosen: str, *, local_s: float, remote_s: float, p: float = 1.0, **more: Any) -> dict[str, Any]:
    predicted = {
        "local": {"latency_mean_s": local_s, "success_probability": 1.0},
        "remote": {"latency_mean_s": remote_s, "success_probability": p},
    }
    reason = more.pop("reason", "least time: …")
    return {"fallback": False, **more, "decision": {"chosen": chosen, "predicted": predicted, "reason": reason}}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (_answer("remote", local_s=0.2, remote_s=0.1), "2.0× faster"),
        (_answer("local", local_s=0.1, remote_s=0.1), "about equal"),
        (_answer("local", local_s=0.2, remote_s=0.15, p=0.8), "remote may fail (20%)"),
        (_answer("local", local_s=0.2, remote_s=0.1, reason="least energy: …"), "least energy"),
        (_answer("remote", local_s=0.2, remote_s=0.1, fallback=True), "fallback: no answer"),
        (
            _answer(
                "local",
                local_s=0.2,
                remote_s=0.1,
                reason="the only option: local 200 ms; remote is out: no answer within 900 ms, tried again in …",
            ),
            "server is out (no answer within 900 ms)",
        ),
    ],
)
def test_why_in_a_few_words(answer: dict[str, Any], words: str) -> None:
    assert why(answer) == words


def _record(index: int, *runs: int) -> Record:
    def labels(number: int) -> tuple[Label, ...]:
        return (Label(name=str(number), probability=0.9, index=number),)

    outcomes = tuple(
        Outcome(
            option=option,
            path=option,
            status="success",
            role=role,
            started_s=0.0,
            latency_s=0.1,
            labels=labels(run),
        )
        for option, role, run in zip(("local", "remote"), ("answer", "shadow"), (index, *runs), strict=False)
    )
    return Record(
        request_id="x",
        wall_s=0.0,
        image=ImageInfo(format="JPEG", width=1, height=1),
        snapshot=Snapshot(taken_s=0.0),
        decision=Decision(chosen="local", path="local", policy="auto", reason="", predicted={}),
        outcomes=outcomes,
        labels=labels(index),
        path="local",
        endpoint=None,
        model="m",
        latency_s=0.1,
        timings={},
        source="/p/cat.jpg",
    )


@pytest.mark.parametrize(
    ("asked", "records", "good"),
    [
        (2, [_record(281), _record(282, 281)], True),
        (2, [_record(281)], False),  # one was not answered
        (1, [_record(5)], False),  # a wrong label
        (1, [_record(281, 5)], False),  # a wrong label of the shadow run
        (0, [], False),
    ],
)
def test_the_verdict_needs_every_answer_and_every_label(asked: int, records: list[Record], good: bool) -> None:
    cat = Photo(name="cat", path=Path("/p/cat.jpg"), width=1, height=1, classes=frozenset({281, 282}))
    verdict = judge(asked, records, [cat])
    assert verdict.good is good
    assert verdict.images == asked
