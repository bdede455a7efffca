"""What `doctor` found: one finding per thing looked at, and the text of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Finding", "Level", "ok", "problem", "warning"]

Level = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`check` names what was looked at; `advice` says what to do, None when all is well."""

    check: str
    level: Level
    message: str
    advice: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return {"check": self.check, "level": self.level, "message": self.message, "advice": self.advice}


def ok(check: str, message: str) -> Finding:
    return Finding(check=check, level="ok", message=message)


def warning(check: str, message: str, advice: str) -> Finding:
    return Finding(check=check, level="warning", message=message, advice=advice)


def problem(check: str, message: str, advice: str) -> Finding:
    return Finding(check=check, level="problem", message=message, advice=advice)
