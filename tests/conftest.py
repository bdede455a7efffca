"""Fixtures that many tests share. Nothing here starts a server or loads a model by itself."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is slow now and then; how long an example takes is no property of the code.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

# A shell's background job ignores SIGINT, and so would every process that a test starts and wants to interrupt.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real traces, images and a real model that lies beside the checkout."""
    folder = _REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(f"the shared test data is missing: {folder}")
        pytest.skip(f"needs the shared test data in {folder}")
    return folder


@pytest.fixture(autouse=True)
def _isolated_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's own settings, models or log."""
    for name in list(os.environ):
        if name.startswith("OFFLOAD_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("OFFLOAD_HOME", str(tmp_path_factory.mktemp("home")))
