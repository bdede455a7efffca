"""The Terraform files are written as `terraform fmt` writes them. `make check-deploy` installs the formatter."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from terraform_kit import TERRAFORM

HERE = Path(__file__).resolve().parent
MODULES = HERE.parent.parent / ".venv-deploy" / "node_modules"


def unformatted(*files: Path) -> list[str]:
    node = shutil.which("node")
    if node is None or not (MODULES / "@cdktf" / "hcl-tools").is_dir():
        pytest.skip("needs node and the formatter: make check-deploy")
    done = subprocess.run(
        [node, HERE / "terraform_fmt.js", *files],
        env={**os.environ, "NODE_PATH": str(MODULES)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_every_file_is_as_terraform_fmt_writes_it() -> None:
    assert unformatted(*TERRAFORM.rglob("*.tf")) == []


def test_the_formatter_sees_what_is_not(tmp_path: Path) -> None:
    (tmp_path / "a.tf").write_text('variable "a" {\n  type = string\n  default   = "x"\n}\n', "utf-8")
    assert unformatted(tmp_path / "a.tf") == [str(tmp_path / "a.tf")]
