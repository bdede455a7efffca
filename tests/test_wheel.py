"""The wheel as a stranger gets it: installed in an empty venv, away from the checkout, it classifies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

_REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(_REPOSITORY)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_carries_every_module_and_data_file(wheel: Path) -> None:
    carried = set(zipfile.ZipFile(wheel).namelist())
    tracked = subprocess.run(
        ["git", "ls-files", "offload_sdk", "calibration", "server_stub"],
        cwd=_REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    kinds = (
        ".py",
        ".json",
        ".txt",
        ".yaml",
        ".html",
        ".css",
        ".js",
        ".svg",
        ".tf",
        ".toml",
        "py.typed",
        "Dockerfile",
        ".dockerignore",
    )
    needed = {path for path in tracked if path.endswith(kinds)}
    if not needed:
        pytest.skip("not a git checkout")
    assert needed <= carried
    assert not [path for path in carried if path.startswith(("tests/", "benchmarks/", "examples/"))]


def test_it_installs_in_an_empty_venv_and_classifies(wheel: Path, tmp_path: Path) -> None:
    from PIL import Image
    from skimage import data

    environment = tmp_path / "venv"
    venv.create(environment, with_pip=True)
    scripts = environment / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", str(wheel)], check=True, timeout=600)
    photo = tmp_path / "cat.jpg"
    Image.fromarray(data.chelsea()).save(photo)
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    clean["OFFLOAD_HOME"] = str(tmp_path / "home")

    def run(*command: str | Path) -> str:
        done = subprocess.run(command, cwd=tmp_path, env=clean, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    answer = json.loads(run(scripts / "offload-sdk", "classify", str(photo), "--json"))
    assert answer["labels"][0]["index"] in (281, 282, 285)  # tabby, tiger cat, Egyptian cat
    assert answer["path"] == "local"
    code = f"from offload_sdk import classify; print(classify({str(photo)!r}).labels[0].index)"
    assert int(run(python, "-c", code)) == answer["labels"][0]["index"]
    assert "offload_sdk" in run(python, "-c", "import offload_sdk; print(offload_sdk.__file__)")
