"""The image: each instruction of the Dockerfile is carried out, and the result runs as a container is run."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

image_kit = pytest.importorskip("image_kit", exc_type=ImportError)
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("_namespaces")]

_CLASSIFY = """
import sys, requests
answer = requests.post("http://127.0.0.1:8080/analyze", files={"image": open(sys.argv[1], "rb")}, timeout=30)
print(answer.status_code, answer.json()["predictions"][0]["index"])
"""


@pytest.fixture(scope="module")
def image(_namespaces: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[image_kit.Stage]:
    return image_kit.build(tmp_path_factory.mktemp("image"))


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from PIL import Image
    from skimage import data

    path = tmp_path_factory.mktemp("photo") / "cat.jpg"
    Image.fromarray(data.chelsea()).save(path)
    return path


def test_it_classifies_without_rights_and_stops_in_good_order(image: image_kit.Stage, photo: Path) -> None:
    with image_kit.container(image) as running:
        assert running.status("Uid").split() == ["10001"] * 4
        assert [int(running.status(f"Cap{kind}"), 16) for kind in ("Eff", "Prm", "Bnd", "Amb")] == [0] * 4
        assert running.status("NoNewPrivs") == "1"
        root = next(
            line
            for line in Path(f"/proc/{running.pid}/mountinfo").read_text("utf-8").splitlines()
            if " / / " in line
        )
        assert root.split(" / / ")[1].startswith("ro")

        health = running.inside(image.command("HEALTHCHECK"))
        assert health.returncode == 0, health.stderr
        answer = running.from_its_network([sys.executable, "-c", _CLASSIFY, str(photo)])
        assert re.fullmatch(r"200 (281|282|285)\n", answer.stdout), answer.stderr  # tabby, tiger cat, Egyptian cat

        running.signal(getattr(signal, image.settings["STOPSIGNAL"]))
        assert running.process.wait(30) == 0


def test_the_check_fails_where_no_server_is(image: image_kit.Stage) -> None:
    with image_kit.container(image) as running:
        command = [*image.command("HEALTHCHECK"), "http://127.0.0.1:1/"]
        assert running.inside(command).returncode == 1


def test_what_only_building_needs_stays_behind(image: image_kit.Stage) -> None:
    packages = {path.name for path in (image.upper / "opt/offload").glob("lib/python3*/site-packages/*")}
    assert "server_stub" in packages
    assert not packages & {"pip", "setuptools", "hatchling", "pytest", "mypy", "ruff"}
    assert not (image.upper / "src").exists()
    writable = [
        path for path in (image.upper / "opt").rglob("*") if not path.is_symlink() and path.stat().st_mode & 0o022
    ]
    assert writable == []
