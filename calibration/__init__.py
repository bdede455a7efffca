"""Measuring a device once, so that predictions are right from the first image; and reference figures of boards.

`profiles/` is read as data by the SDK itself, which imports this package without its code: everything here is
loaded on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from calibration._calibrate import CalibrationReport, calibrate

__all__ = ["CalibrationReport", "calibrate"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from calibration import _calibrate

        return getattr(_calibrate, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
