"""The server's log: one JSON object a line, in ASCII, so that no text of a caller's can begin a line or steer a
terminal. Holds no token, no image, no request header but the ids."""

from __future__ import annotations

import json
import logging
import sys
import traceback
import warnings
from collections import Counter
from datetime import datetime, timezone
from http import HTTPStatus
from typing import Any

from server_stub.engine import Clock
from server_stub.served import GONE_STATUS, Served
from server_stub.settings import RequestLogging

__all__ = ["JsonLines", "RequestLog", "Seldom", "configure_logging"]

logger = logging.getLogger("server_stub")
_MAX_TEXT_CHARS = 300
_MAX_LINES_PER_S = 10  # of each kind of error
_FOREIGN_GAP_S = 1.0


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object; a record's `fields` are merged in."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, timezone.utc)
        line = {
            "time": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = "".join(traceback.format_exception(*record.exc_info))
        return json.dumps(line, default=str)


class Seldom(logging.Filter):
    """Passes a message once a second: of uvicorn's about what is no HTTP, anybody can cause any number."""

    def __init__(self) -> None:
        super().__init__()
        self._next_s: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.created < self._next_s.get(record.msg, 0.0):
            return False
        self._next_s[record.msg] = record.created + _FOREIGN_GAP_S
        return True


def configure_logging() -> None:
    """Send our log and what others report of importance to stderr, unless there are handlers already.

    Pillow's warnings about odd pictures are dropped: they are no JSON, and as Python remembers each one, so as not
    to repeat it, callers could fill log and memory with them.
    """
    warnings.filterwarnings("ignore", module=r"PIL\.")
    levels = {
        "server_stub": logging.INFO,
        "asyncio": logging.WARNING,
        "uvicorn.error": logging.WARNING,
        "opentelemetry": logging.WARNING,
        "python_multipart": logging.ERROR,  # it warns about each line break after a form
    }
    for name, level in levels.items():
        chosen = logging.getLogger(name)
        if chosen.hasHandlers():
            continue
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonLines())
        if name != logger.name:
            handler.addFilter(Seldom())
        chosen.addHandler(handler)
        chosen.setLevel(level)
        chosen.propagate = False


class RequestLog:
    """Writes a line about each request, or only about those that failed.

    Under overload most requests fail, all in the same way, and a line for each would cost more than the refusal.
    So `errors` writes only the first few of each kind in a second, and the next line says how many it stands for.
    """

    def __init__(self, which: RequestLogging, *, clock: Clock) -> None:
        self._which = which
        self._clock = clock
        self._second = 0
        self._written: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()

    def __call__(self, served: Served) -> None:
        if self._which == "none" or (self._which == "errors" and served.status < 400):
            return
        code = _code(served)
        if self._which == "errors" and not self._has_room(code):
            return
        left_out = self._left_out.pop(code, 0)
        fields = {
            "status": served.status,
            "code": code,
            "request_id": served.request_id,
            "trace_id": None if served.trace is None else served.trace.trace_id,
            "method": served.method,
            "path": served.path[:_MAX_TEXT_CHARS],
            "client": served.client,
            "token": served.token,
            "model": served.model,
            "repeat": served.repeat,
            "total_s": round(served.total_s, 6),
            **{f"{step}_s": round(seconds, 6) for step, seconds in served.steps_s.items()},
            "left_out": left_out or None,
        }
        logger.log(_level(served), _message(served), extra={"fields": _known(fields)}, exc_info=served.error)

    def _has_room(self, code: str) -> bool:
        second = int(self._clock())
        if second != self._second:
            self._second = second
            self._written.clear()
        self._written[code] += 1
        if self._written[code] <= _MAX_LINES_PER_S:
            return True
        self._left_out[code] += 1
        return False


def _level(served: Served) -> int:
    if served.error is not None:
        return logging.ERROR
    return logging.INFO if served.status < 500 else logging.WARNING


def _code(served: Served) -> str:
    if served.problem is not None:
        return served.problem.code
    if served.status == GONE_STATUS:
        return "gone"
    return "ok" if served.status < 400 else HTTPStatus(served.status).name.lower()  # health that is not well


def _message(served: Served) -> str:
    if served.problem is not None:
        return served.problem.message[:_MAX_TEXT_CHARS]
    return "the caller has gone" if served.status == GONE_STATUS else "answered"


def _known(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
