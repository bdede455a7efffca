"""The Dockerfile as a text: linted, and in step with the catalogue, the ignore file and the compose file."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from offload_sdk.model import CATALOGUE

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

image_kit = pytest.importorskip("image_kit", exc_type=ImportError)


def test_the_pinned_model_is_the_catalogues() -> None:
    arguments = dict(value.split("=", 1) for name, value in image_kit.instructions() if name == "ARG")
    assert CATALOGUE[arguments["MODEL"]].sha256 == arguments["MODEL_SHA256"]


def _copied() -> list[str]:
    copies = [value for name, value in image_kit.instructions() if name == "COPY" and "--from=" not in value]
    return [path for value in copies for path in value.split()[:-1]]


def test_the_builder_gets_what_is_copied_and_no_more() -> None:
    ignore = image_kit.DOCKERFILE.with_name("Dockerfile.dockerignore").read_text("utf-8").splitlines()
    assert "*" in ignore
    assert sorted(line[1:] for line in ignore if line.startswith("!")) == sorted(_copied())


def test_the_source_distribution_is_enough_to_build_the_image() -> None:
    settings = tomllib.loads((image_kit.REPOSITORY / "pyproject.toml").read_text("utf-8"))
    carried = settings["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert {f"/{path}" for path in _copied()} <= {"/pyproject.toml", *carried}


def test_hadolint_finds_nothing(tool: Callable[[str], str]) -> None:
    command = [tool("hadolint"), str(image_kit.DOCKERFILE)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "")
