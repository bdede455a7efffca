"""What importing costs, and that every public module's `__all__` is its public surface."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest

import offload_sdk

pytestmark = pytest.mark.light

HEAVY = (
    *("numpy", "PIL", "requests", "urllib3", "pydantic", "pydantic_core", "psutil", "sqlite3"),
    *("ai_edge_litert", "tflite_runtime", "flatbuffers", "fastapi", "uvicorn", "rich", "typer", "matplotlib"),
)


def loaded_by(code: str) -> set[str]:
    """Run the code in a fresh interpreter and return the heavy packages that it has loaded."""
    show = f"import sys; print(*(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{show}"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import offload_sdk",
        "from offload_sdk import OffloadError, InvalidImageError, Classification, Decision, Estimate, Label",
        "import offload_sdk.errors, offload_sdk.typing, offload_sdk.wire, offload_sdk.learn",
        "import offload_sdk.estimate, offload_sdk.decide",
        "import offload_sdk.testing",
    ],
)
def test_importing_loads_nothing_heavy(code: str) -> None:
    assert loaded_by(code) == set()


def test_reading_the_settings_loads_pydantic_and_no_more() -> None:
    assert loaded_by("from offload_sdk import OffloadConfig; OffloadConfig()") <= {"pydantic", "pydantic_core"}


def test_a_device_without_an_endpoint_never_loads_an_http_library() -> None:
    code = """from offload_sdk import OffloadConfig, Offloader
Offloader(OffloadConfig(log={"enabled": False})).close()"""
    assert not loaded_by(code) & {"requests", "urllib3", "sqlite3", "fastapi", "rich", "typer", "matplotlib"}


def test_names_are_loaded_on_first_use() -> None:
    assert offload_sdk.__all__ == sorted(offload_sdk.__all__)
    assert dir(offload_sdk) == sorted(offload_sdk.__all__)
    for name in offload_sdk.__all__:
        assert getattr(offload_sdk, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        offload_sdk.no_such_name  # noqa: B018 (the access is the test)


def test_the_version_is_the_package_s_own() -> None:
    from importlib.metadata import version

    assert offload_sdk.__version__ == version("offload-sdk")


def public_modules() -> list[str]:
    """Every module without an underscore in its path; those with one are nobody's business."""
    found = pkgutil.walk_packages(offload_sdk.__path__, "offload_sdk.")
    return [
        module.name
        for module in found
        if not any(part.startswith("_") for part in module.name.split("."))
        and not module.name.startswith("offload_sdk.cli.")  # a command line, not a library
    ]


@pytest.mark.parametrize("name", public_modules())
def test_all_is_the_public_surface(name: str) -> None:
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:  # an extra that is not installed here
        if (error.name or "").startswith("offload_sdk"):
            raise
        pytest.skip(f"needs {error.name}")
    if not hasattr(module, "__all__"):
        assert defined_in(module) == set(), "it defines names and has no __all__"
        return
    listed = list(module.__all__)
    assert listed == sorted(set(listed), key=_isort_key)
    for entry in listed:
        assert hasattr(module, entry), entry
        assert not entry.startswith("_") or entry == "__version__"
    missing = defined_in(module) - set(listed)
    assert missing == set(), "public by name, but not in __all__"


def defined_in(module: object) -> set[str]:
    """The classes and functions that the module itself defines, without a leading underscore."""
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isroutine(value))
        and getattr(value, "__module__", None) == module.__name__  # type: ignore[attr-defined]
    }


def _isort_key(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions: how ruff sorts `__all__` (RUF022)."""
    kind = 0 if name.isupper() and len(name) > 1 else (1 if name[:1].isupper() else 2)
    return kind, name
