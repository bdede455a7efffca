"""What the page is told, as plain values for JSON. Pure."""

from __future__ import annotations

from typing import Any

from offload_sdk._types import Record

__all__ = ["image_document", "status_document"]


def image_document(version: int, record: Record) -> dict[str, Any]:
    """Return one picture: what was predicted and decided, and what every option took that was run."""
    return {
        "version": version,
        "request_id": record.request_id,
        "at_s": record.wall_s,
        "image": {
            "format": record.image.format,
            "width": record.image.width,
            "height": record.image.height,
            "bytes": record.image.encoded_bytes,
        },
        "labels": [{"name": x.name, "probability": x.probability, "index": x.index} for x in record.labels],
        "path": record.path,
        "endpoint": record.endpoint,
        "model": record.model,
        "latency_s": record.latency_s,
        "timings": dict(record.timings),
        "fallback": record.fallback,
        "hedged": record.hedged,
        "error": record.error,
        "decision": record.decision.to_dict(),
        "outcomes": [outcome.to_dict() for outcome in record.outcomes],
    }


def status_document(found: dict[str, Any]) -> dict[str, Any]:
    """Return of an `Offloader`'s status what the page shows; paths of this machine are not its business."""
    local = found["local"]
    return {
        "policy": found["policy"],
        "local": None if local is None else {name: local[name] for name in ("model", "runtime", "threads")},
        "board": found["profile"]["board"],
        "calibrated": found["profile"]["calibrated"],
        "device": found["device"],
        "endpoints": found["endpoints"],
    }
