"""The HTTP exchange as values: requests and answers to bytes and back, shared by the device and the server.

Pure: no sockets, no clock, no HTTP library. The public contract of the exchange:

- `POST /analyze`, multipart field `image`, answers `{"predictions": [...], "model": ..., "request_id": ...}`;
- request headers, all optional, carry the request's id, its remaining time and the device's state, and
  `traceparent` (W3C Trace Context) its place in a trace;
- `Server-Timing` (W3C) reports the server's own share of the time, in milliseconds;
- an error is `{"error": {"code": ..., "message": ...}}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from offload_sdk._types import Label, TraceContext
from offload_sdk.errors import RemoteError

__all__ = [
    "ANALYZE_PATH",
    "BATTERY_HEADER",
    "DEADLINE_HEADER",
    "DEFAULT_TOP_K",
    "HEALTH_PATH",
    "IMAGE_FIELD",
    "MAX_ANSWER_BYTES",
    "MAX_TOP_K",
    "REQUEST_ID_HEADER",
    "SERVER_STEPS",
    "SERVER_TIMING_HEADER",
    "SIGNAL_HEADER",
    "TOP_K_HEADER",
    "TRACE_HEADER",
    "Answer",
    "RequestContext",
    "TraceContext",
    "answer_body",
    "encode_image",
    "error_body",
    "format_server_timing",
    "format_trace",
    "label_entry",
    "parse_answer",
    "parse_context",
    "parse_error_message",
    "parse_health",
    "parse_label",
    "parse_name",
    "parse_retry_after",
    "parse_server_timing",
    "parse_trace",
    "request_headers",
    "task_body",
]

HEALTH_PATH = "/"
ANALYZE_PATH = "/analyze"
IMAGE_FIELD = "image"
REQUEST_ID_HEADER = "Offload-Request-Id"
DEADLINE_HEADER = "Offload-Deadline"
BATTERY_HEADER = "Offload-Battery"
SIGNAL_HEADER = "Offload-Signal"
TOP_K_HEADER = "Offload-Top-K"
TRACE_HEADER = "traceparent"
SERVER_TIMING_HEADER = "Server-Timing"
SERVER_STEPS = ("queue", "decode", "infer")  # a proxy on the way may add entries of its own

DEFAULT_TOP_K = 3
MAX_TOP_K = 100
MAX_ANSWER_BYTES = 256 * 1024
_MAX_ID_CHARS = 128
_TRACE = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED = 0x01
_MOST_NAME_CHARS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A parsed answer of `/analyze`; `server_s` are the seconds the server reported, by step. `result` is that
    of a task other than classification."""

    labels: tuple[Label, ...]
    model: str
    request_id: str | None
    server_s: Mapping[str, float] = field(default_factory=dict)
    result: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestContext:
    """What a request said of itself. `deadline_s` is the time left when it was sent; unknown is None."""

    request_id: str | None = None
    deadline_s: float | None = None
    battery_frac: float | None = None
    signal_dbm: float | None = None
    top_k: int = DEFAULT_TOP_K
    trace: TraceContext | None = None


def encode_image(image: bytes, media_type: str, *, boundary: str) -> tuple[str, bytes]:
    """Return the content type and the body of a multipart form with `image` as its only field (RFC 7578).

    `boundary` must not occur in the image; a random one of 16 bytes or more never does.
    """
    head = (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="{IMAGE_FIELD}"; filename="image"\r\n'
        f"Content-Type: {media_type}\r\n\r\n"
    ).encode("ascii")
    tail = f"\r\n--{boundary}--\r\n".encode("ascii")
    return f"multipart/form-data; boundary={boundary}", b"".join((head, image, tail))


def request_headers(context: RequestContext) -> dict[str, str]:
    """Return the `Offload-*` headers of a request; what is unknown is left out."""
    headers: dict[str, str] = {}
    if context.request_id is not None:
        headers[REQUEST_ID_HEADER] = context.request_id
    if context.deadline_s is not None:
        headers[DEADLINE_HEADER] = f"{context.deadline_s:.3f}"
    if context.battery_frac is not None:
        headers[BATTERY_HEADER] = f"{context.battery_frac:.3f}"
    if context.signal_dbm is not None:
        headers[SIGNAL_HEADER] = f"{context.signal_dbm:.0f}"
    if context.top_k != DEFAULT_TOP_K:
        headers[TOP_K_HEADER] = str(context.top_k)
    if context.trace is not None:
        headers[TRACE_HEADER] = format_trace(context.trace)
    return headers


def parse_context(headers: Mapping[str, str]) -> RequestContext:
    """Read the `Offload-*` headers of a request.

    `headers` must look names up without regard to case, or hold lower-case names. A value that makes no sense
    counts as absent: the headers are hints, and a wrong hint must not cost the device its answer.
    """

    def get(name: str) -> str | None:
        value = headers.get(name.lower())
        return headers.get(name) if value is None else value

    request_id = get(REQUEST_ID_HEADER)
    if request_id is not None and not (0 < len(request_id) <= _MAX_ID_CHARS and request_id.isprintable()):
        request_id = None
    top_k = _number(get(TOP_K_HEADER), 1, MAX_TOP_K)
    return RequestContext(
        request_id=request_id,
        deadline_s=_number(get(DEADLINE_HEADER), -86400.0, 86400.0),
        battery_frac=_number(get(BATTERY_HEADER), 0.0, 1.0),
        signal_dbm=_number(get(SIGNAL_HEADER), -200.0, 50.0),
        top_k=DEFAULT_TOP_K if top_k is None else int(top_k),
        trace=parse_trace(get(TRACE_HEADER)),
    )


def format_trace(trace: TraceContext) -> str:
    """Return a `traceparent` value of version 00."""
    return f"00-{trace.trace_id}-{trace.span_id}-{_SAMPLED if trace.sampled else 0:02x}"


def parse_trace(value: str | None) -> TraceContext | None:
    """Read a `traceparent`; what is not one counts as absent. What a later version adds is passed over."""
    match = None if value is None else _TRACE.fullmatch(value)
    if match is None or (match[1] == "00" and match[5] is not None):
        return None
    return TraceContext(trace_id=match[2], span_id=match[3], sampled=bool(int(match[4], 16) & _SAMPLED))


def answer_body(labels: Iterable[Label], *, model: str, request_id: str) -> dict[str, Any]:
    """Return the JSON object of a successful answer."""
    return task_body({"predictions": [label_entry(label) for label in labels]}, model=model, request_id=request_id)


def task_body(fields: Mapping[str, Any], *, model: str, request_id: str) -> dict[str, Any]:
    """Return the JSON object of a successful answer to a task, the result of which is these fields."""
    return {**fields, "model": model, "request_id": request_id}


def label_entry(label: Label) -> dict[str, Any]:
    """Return the JSON object of a class."""
    return {"label": label.name, "probability": label.probability, "index": label.index}


def error_body(code: str, message: str) -> dict[str, Any]:
    """Return the JSON object of an error."""
    return {"error": {"code": code, "message": message}}


def parse_answer(
    body: bytes,
    server_timing: str | None = None,
    read: Callable[[Mapping[str, Any]], tuple[Any, Iterable[Label]]] | None = None,
) -> Answer:
    """Read a successful answer: its labels, the best one first, or the result and labels that `read` makes of it.

    Anything but the contract's shape is a `RemoteError` of kind `protocol`, and so is whatever `read` raises.
    """
    result = None
    labels: Iterable[Label]
    try:
        document = json.loads(body)
        if read is None:
            labels = sorted(map(parse_label, document["predictions"]), key=lambda label: -label.probability)
        else:
            result, labels = read(document)
        model = parse_name(document["model"])
        request_id = document.get("request_id")
    except Exception as error:  # a reader may be the user's own
        raise RemoteError(f"the answer is not the contract's JSON: {repr(error)[:200]}", kind="protocol") from None
    if read is None and not labels:
        raise RemoteError("the answer has no predictions", kind="protocol")
    return Answer(
        labels=tuple(labels),
        model=model,
        request_id=request_id if isinstance(request_id, str) else None,
        server_s=parse_server_timing(server_timing),
        result=result,
    )


def parse_health(body: bytes) -> None:
    """Check the answer of `/`: `RemoteError` of kind `protocol` unless a server says that it is well."""
    try:
        well = json.loads(body)["status"] == "ok"
    except (ValueError, TypeError, KeyError, RecursionError):
        well = False
    if not well:
        raise RemoteError("what answers there is not an offload server", kind="protocol")


def parse_error_message(body: bytes) -> str | None:
    """Return `code: message` of an error body, or None if it has another shape. At most 300 characters.

    The Open Inference Protocol's `{"error": message}` is one too.
    """
    try:
        error = json.loads(body)["error"]
        text = error if isinstance(error, str) else f"{error['code']}: {error['message']}"
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return "".join(ch if ch.isprintable() else " " for ch in text[:300])


def format_server_timing(steps_s: Mapping[str, float]) -> str:
    """Return a `Server-Timing` value for steps in seconds; the header itself is in milliseconds."""
    return ", ".join(f"{name};dur={seconds * 1e3:.3f}" for name, seconds in steps_s.items())


def parse_server_timing(value: str | None) -> dict[str, float]:
    """Return seconds by step. Entries without a sane `dur` are passed over."""
    steps: dict[str, float] = {}
    for entry in (value or "")[:2048].split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        for parameter in parameters:
            key, _, text = parameter.partition("=")
            if name and key.strip().lower() == "dur":
                milliseconds = _number(text.strip().strip('"'), 0.0, 3_600_000.0)
                if milliseconds is not None:
                    steps[name] = milliseconds / 1e3
    return steps


def parse_retry_after(value: str | None) -> float | None:
    """Return the seconds of a `Retry-After` header; its date form, which needs a clock, counts as absent."""
    return _number(value, 0.0, 86400.0)


def parse_label(entry: Any) -> Label:
    """Read what `label_entry` gives. Raises `ValueError`, `TypeError`, `KeyError` or `OverflowError`."""
    probability = float(entry["probability"])
    if not 0.0 <= probability <= 1.0 + 1e-6:
        raise ValueError(f"a probability of {probability}")
    index = int(entry["index"])
    if index < 0:
        raise ValueError(f"an index of {index}")
    return Label(name=parse_name(entry["label"]), probability=min(1.0, probability), index=index)


def parse_name(value: Any) -> str:
    """Check that this may be shown and stored as a name. Raises `ValueError` or `TypeError`."""
    if not isinstance(value, str):
        raise TypeError("a name that is not text")
    value.encode()  # JSON may hold half a surrogate pair, which no file and no terminal takes
    if not value.isprintable() or len(value) > _MOST_NAME_CHARS:
        raise ValueError("a name that is too long or not printable")  # it would go to terminals as it is
    return value


def _number(text: str | None, low: float, high: float) -> float | None:
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if low <= number <= high else None
