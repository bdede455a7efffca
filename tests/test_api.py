"""`classify()`: the lazy default, its end at exit, threads that race for it, and forks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from offload_kit import give_model, jpeg

from offload_sdk.log import read_rows
from offload_sdk.testing import FaultyServer

pytestmark = pytest.mark.light


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    file = tmp_path / "picture.jpg"
    file.write_bytes(jpeg())
    return file


def run(home: Path, code: str, *arguments: object, **environment: str) -> list:
    """Run code that prints JSON, one value a line, in a fresh interpreter with this home."""
    give_model(home)
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=home,
        env={**os.environ, "OFFLOAD_HOME": str(home), "OFFLOAD_MODEL": "efficientnet_lite0", **environment},
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def logged(home: Path) -> list[str]:
    return [row.request_id for row in read_rows(home / "log.sqlite3")]


ONE = """
import json, sys
from offload_sdk import classify
result = classify(sys.argv[1])
print(json.dumps(result.to_dict()))
"""


def test_one_line_classifies_and_logs(tmp_path: Path, picture: Path) -> None:
    (result,) = run(tmp_path, ONE, picture)
    assert len(result["labels"]) == 3
    assert (result["path"], result["endpoint"]) == ("local", None)
    assert logged(tmp_path) == [result["request_id"]]


def test_the_environment_names_the_server(tmp_path: Path, picture: Path) -> None:
    with FaultyServer() as server:
        (result,) = run(tmp_path, ONE, picture, OFFLOAD_SERVER_URL=server.url, OFFLOAD_POLICY="remote")
    assert (result["path"], result["endpoint"], result["labels"][0]["name"]) == ("remote", "remote", "tabby")


def test_a_wrong_setting_can_be_put_right_in_the_same_process(tmp_path: Path, picture: Path) -> None:
    code = """
import json, os, sys
from offload_sdk import ConfigurationError, classify
os.environ["OFFLOAD_POLICY"] = "fastest"
try:
    classify(sys.argv[1])
except ConfigurationError as error:
    print(json.dumps(str(error)))
os.environ["OFFLOAD_POLICY"] = "local"
print(json.dumps(classify(sys.argv[1]).path))
"""
    message, path = run(tmp_path, code, picture)
    assert "OFFLOAD_POLICY" in message
    assert path == "local"


def test_threads_that_start_together_share_one_default(tmp_path: Path, picture: Path) -> None:
    code = """
import json, sys, threading
from concurrent.futures import ThreadPoolExecutor
from offload_sdk import classify
with ThreadPoolExecutor(8) as pool:
    ids = [result.request_id for result in pool.map(classify, [sys.argv[1]] * 16)]
print(json.dumps(ids))
print(json.dumps(sum(thread.name == "offload-monitor" for thread in threading.enumerate())))
"""
    ids, monitors = run(tmp_path, code, picture)
    assert sorted(logged(tmp_path)) == sorted(ids)
    assert len(set(ids)) == 16
    assert monitors == 1


FORK = """
import json, os, sys
from offload_sdk import classify
first = classify(sys.argv[1])
print(json.dumps([first.path, first.request_id, first.labels[0].name]), flush=True)
child = os.fork()
result = classify(sys.argv[1])
print(json.dumps([result.path, result.request_id, result.labels[0].name]), flush=True)
if child:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.parametrize("policy", ["local", "remote"])
def test_a_forked_child_classifies_and_so_does_its_parent(policy: str, tmp_path: Path, picture: Path) -> None:
    with FaultyServer() as server:
        # No probes: the socket of one that is under way at the fork is left to the child's collector, which
        # reports it where warnings are errors.
        results = run(
            tmp_path,
            FORK,
            picture,
            OFFLOAD_SERVER_URL=server.url,
            OFFLOAD_POLICY=policy,
            OFFLOAD_THREADS="2",
            OFFLOAD_PROBE__ENABLED="false",
        )
    assert [path for path, _, _ in results] == [policy] * 3
    assert len({name for _, _, name in results}) == 1
    assert sorted(logged(tmp_path)) == sorted(request_id for _, request_id, _ in results)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_fork_while_another_thread_makes_the_default_does_not_hang(tmp_path: Path, picture: Path) -> None:
    code = """
import json, os, sys, threading
from offload_sdk import _api, classify
import offload_sdk._offloader
making, forked = threading.Event(), threading.Event()
class Slow(_api.Offloader):
    def __init__(self):
        making.set()
        forked.wait(20)
        super().__init__()
_api.Offloader, real = Slow, _api.Offloader
thread = threading.Thread(target=classify, args=(sys.argv[1],))
thread.start()
making.wait(20)
child = os.fork()
if child == 0:
    _api.Offloader = real
    import signal
    signal.alarm(20)
    print(json.dumps(classify(sys.argv[1]).path), flush=True)
    os._exit(0)
forked.set()
thread.join()
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
    assert run(tmp_path, code, picture) == ["local"]
