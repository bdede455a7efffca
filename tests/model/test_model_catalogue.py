from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from offload_sdk.errors import ModelError
from offload_sdk.model import CATALOGUE, Classifier, imagenet_names, model_path, resolve
from offload_sdk.model.catalogue import _from_catalogue, write_atomically

BUILD = "import sys, pathlib; from offload_sdk.model import resolve; resolve('auto', pathlib.Path(sys.argv[1]))"


@pytest.mark.light
def test_entries_are_complete() -> None:
    assert list(CATALOGUE) == [
        "mobilenet_v3_large",
        "mobilenet_v3_large_uint8",
        "mobilenet_v3_small",
        "mobilenet_v3_small_uint8",
        "efficientnet_lite0",
    ]
    for name, entry in CATALOGUE.items():
        assert entry.name == name
        assert entry.license == "Apache-2.0"
        if entry.url is not None:
            assert re.fullmatch("[0-9a-f]{64}", entry.archive_sha256 or "")
            assert entry.member == f"{entry.url[:-4]}/{entry.url[:-4]}.tflite"
            assert (entry.normalisation is None) == (entry.dtype == "uint8")


@pytest.mark.light
def test_a_model_that_is_not_there_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="`offload-sdk models pull mobilenet_v3_large`"):
        resolve("mobilenet_v3_large", tmp_path)
    with pytest.raises(ModelError, match=r"no model called 'mobilenet'.*efficientnet_lite0"):
        resolve("mobilenet", tmp_path)


@pytest.mark.light
def test_auto_takes_the_large_mobilenet_once_it_is_there(models_dir: Path, offline: Classifier) -> None:
    assert offline.name == "efficientnet_lite0"
    path = model_path("mobilenet_v3_large", models_dir)
    path.write_bytes(b"as if it had been fetched")
    try:
        model = resolve("auto", models_dir)
        assert (model.name, model.background, model.labels) == ("mobilenet_v3_large", True, imagenet_names())
        with pytest.raises(ModelError, match="cannot be loaded"):
            Classifier(model)
    finally:
        path.unlink()


@pytest.mark.light
def test_the_file_in_the_cache_is_used_again(models_dir: Path, offline: Classifier) -> None:
    path = model_path("efficientnet_lite0", models_dir)
    before = path.stat()
    assert resolve("efficientnet_lite0", models_dir).path == path
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def test_a_build_with_other_bytes_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pinned = CATALOGUE["efficientnet_lite0"]
    for entry, warnings in ((pinned, 0), (replace(pinned, sha256="0" * 64), 1)):
        model = _from_catalogue(entry, tmp_path)
        assert len(caplog.records) == warnings
        assert model.path.is_file()
        model.path.unlink()
    assert "not 0000" in caplog.text


def test_two_processes_may_build_it_at_once(tmp_path: Path) -> None:
    builders = [subprocess.Popen([sys.executable, "-c", BUILD, str(tmp_path)]) for _ in range(2)]
    assert [builder.wait(120) for builder in builders] == [0, 0]
    assert [path.name for path in tmp_path.iterdir()] == ["efficientnet_lite0.tflite"]
    assert resolve("auto", tmp_path).sha256 == CATALOGUE["efficientnet_lite0"].sha256


@pytest.mark.light
def test_a_folder_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelError, match="OFFLOAD_HOME"):
        write_atomically(tmp_path / "file" / "model.tflite", b"x")
    with pytest.raises(ModelError, match="cannot be stored"):
        write_atomically(tmp_path, b"x")  # a folder has that name
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.light
def test_importing_the_package_loads_no_runtime_and_no_http() -> None:
    heavy = ("ai_edge_litert", "tflite_runtime", "requests", "flatbuffers", "pydantic")
    code = f"import sys, offload_sdk.model; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.strip() == "[]"


def test_a_built_model_that_was_cut_short_is_built_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole = resolve("efficientnet_lite0", tmp_path).path.read_bytes()
    (tmp_path / "efficientnet_lite0.tflite").write_bytes(whole[:1_000_000])
    assert resolve("auto", tmp_path).path.read_bytes() == whole
    assert "damaged" in caplog.text
