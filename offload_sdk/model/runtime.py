"""Finds the TFLite runtime, once, and makes interpreters. Nothing else in the project imports a runtime.

`ai_edge_litert` is the successor and far faster on some graphs; 32-bit Arm has only `tflite_runtime`.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from offload_sdk.errors import ModelError

__all__ = ["new_interpreter", "runtime_name"]

_CANDIDATES = (
    ("ai_edge_litert.interpreter", "ai-edge-litert"),
    ("tflite_runtime.interpreter", "tflite-runtime"),
)


@dataclass(frozen=True, slots=True)
class _Runtime:
    name: str
    interpreter: Any


@cache
def _runtime() -> _Runtime:
    found: list[str] = []
    for module, package in _CANDIDATES:
        try:
            interpreter = import_module(module).Interpreter
        except ModuleNotFoundError as error:
            if error.name not in (module, module.partition(".")[0]):
                found.append(f"{package}: {error}")
            continue
        except Exception as error:  # built for another NumPy or C library: the next one may work
            found.append(f"{package}: {error}")
            continue
        try:
            return _Runtime(f"{package} {version(package)}", interpreter)
        except PackageNotFoundError:  # put there by a distribution, without its metadata
            return _Runtime(package, interpreter)
    details = f" ({'; '.join(found)})" if found else ""
    raise ModelError(
        f"No TFLite runtime is usable here{details}. Install one: pip install ai-edge-litert "
        "(32-bit Arm, Python 3.11: pip install tflite-runtime 'numpy<2')."
    )


def runtime_name() -> str:
    """Package and version, for example `ai-edge-litert 2.3.0`. Raises: ModelError if there is none."""
    return _runtime().name


def new_interpreter(path: Path, threads: int) -> Any:
    """An interpreter with its tensors allocated.

    Raises:
        ModelError: no runtime, no such file, or the runtime cannot run it.
    """
    make = _runtime().interpreter
    try:
        with _quiet():
            interpreter = make(model_path=os.fspath(path), num_threads=threads)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError, OSError) as error:
        raise ModelError(f"{path} cannot be loaded by {runtime_name()}: {_first_line(error)}") from error
    return interpreter


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


_QUIET = threading.Lock()


def _new_lock() -> None:
    """In a forked child: the thread that may hold the lock does not exist there."""
    global _QUIET
    _QUIET = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_lock)


@contextmanager
def _quiet() -> Iterator[None]:
    """Holds back the runtime's `INFO:` lines on standard error; everything else comes out at the end.

    The runtime writes them from C++ and has no switch. Lines that other threads write meanwhile are only
    delayed. The lock keeps two of these from restoring each other's file. Where standard error is closed or
    there is no place for a temporary file, nothing is held back.
    """
    with _QUIET, ExitStack() as stack:
        try:
            held = stack.enter_context(tempfile.TemporaryFile())
            saved = os.dup(2)
        except OSError:
            yield
            return
        stack.callback(os.close, saved)
        _flush()
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            _flush()
            os.dup2(saved, 2)
            held.seek(0)
            rest = b"".join(line for line in held if not line.startswith(b"INFO:"))
            while rest:
                rest = rest[os.write(2, rest) :]


def _flush() -> None:
    if sys.stderr is not None and not sys.stderr.closed:
        sys.stderr.flush()
