"""The server's log: one JSON object a line, one line per error. Holds no token, no image, no request header."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import datetime, timezone

from starlette.types import Scope

from server_stub.problems import RequestError

__all__ = ["JsonLines", "configure_logging", "log_problem"]

logger = logging.getLogger("server_stub")
_MAX_TEXT_CHARS = 300


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
        return json.dumps(line, ensure_ascii=False, default=str)


def configure_logging() -> None:
    """Send our log and what others report of importance to stderr, unless there are handlers already."""
    levels = {
        "server_stub": logging.INFO,
        "uvicorn.error": logging.WARNING,
        "python_multipart": logging.ERROR,  # it warns about each line break after a form
    }
    for name, level in levels.items():
        chosen = logging.getLogger(name)
        if chosen.hasHandlers():
            continue
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonLines())
        chosen.addHandler(handler)
        chosen.setLevel(level)
        chosen.propagate = False


def log_problem(scope: Scope, request_id: str, problem: RequestError, error: Exception | None = None) -> None:
    """Write the one line about a request that failed; `error` is what the server did not expect."""
    client = scope.get("client")
    fields = {
        "status": problem.status,
        "code": problem.code,
        "request_id": request_id,
        "method": scope["method"],
        "path": scope["path"][:_MAX_TEXT_CHARS],
        "client": client[0] if client else None,
    }
    level = logging.ERROR if error else logging.INFO if problem.status < 500 else logging.WARNING
    logger.log(level, problem.message[:_MAX_TEXT_CHARS], extra={"fields": fields}, exc_info=error)
