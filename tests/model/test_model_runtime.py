"""Making interpreters where there is no temporary folder, and in forked children."""

from __future__ import annotations

import os
import tempfile
import threading
from pathlib import Path

import pytest
from small_models import brightest_channel

from offload_sdk.model import runtime

pytestmark = pytest.mark.light


def test_a_model_loads_without_a_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "small.tflite"
    path.write_bytes(brightest_channel())
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    assert runtime.new_interpreter(path, 1).get_input_details()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_does_not_wait_for_a_thread_that_it_has_not() -> None:
    inside, leave = threading.Event(), threading.Event()

    def load() -> None:
        with runtime._quiet():
            inside.set()
            leave.wait(30)

    thread = threading.Thread(target=load)
    thread.start()
    assert inside.wait(30)
    try:
        child = os.fork()
        if child == 0:
            os._exit(0 if runtime._QUIET.acquire(timeout=5) else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        leave.set()
        thread.join(30)
