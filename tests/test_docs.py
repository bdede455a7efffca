"""The documents say what the code does: settings and their defaults, and the README's Python."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from offload_sdk import OffloadConfig

_REPOSITORY = Path(__file__).resolve().parent.parent


def _settings(model: type[BaseModel], prefix: str = "") -> dict[str, Any]:
    """Every setting's dotted name with its default; lists and paths that depend on the machine as None."""
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        default = field.default
        if isinstance(default, BaseModel):
            found.update(_settings(type(default), f"{prefix}{name}."))
        else:
            found[prefix + name] = default if isinstance(default, bool | int | float | str) else None
    return found


def test_the_settings_page_lists_every_setting_with_its_default() -> None:
    page = (_REPOSITORY / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([a-z_.]+)` \| (.+?) \|", page, re.MULTILINE))
    settings = _settings(OffloadConfig)
    assert set(rows) == set(settings)
    for name, default in settings.items():
        if default is not None:
            shown = str(default).lower() if isinstance(default, bool) else str(default)
            assert rows[name] == f"`{shown}`", name


def test_the_toml_example_is_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (_REPOSITORY / "docs" / "settings.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "offload.toml").write_text(example, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert [endpoint.name for endpoint in OffloadConfig().all_endpoints] == ["edge", "cloud"]


def test_the_wrappers_example_gives_a_working_offloader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = pytest.importorskip("skimage.data")
    monkeypatch.chdir(tmp_path)
    page = (_REPOSITORY / "docs" / "settings.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(example, "settings.md", "exec"), names)
    with names["offloader"] as offloader:
        assert offloader.classify(data.chelsea()).decision.policy == "latency"


def test_the_readme_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = pytest.importorskip("skimage.data")
    from PIL import Image

    Image.fromarray(data.chelsea()).save(tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    readme = (_REPOSITORY / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert blocks
    for block in blocks:
        names: dict[str, Any] = {}
        exec(compile(block, "README.md", "exec"), names)
        assert names["result"].labels[0].name in ("tiger cat", "tabby", "Egyptian cat")


def test_every_linked_file_exists() -> None:
    for page in [_REPOSITORY / "README.md", *(_REPOSITORY / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"
