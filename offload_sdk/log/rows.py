"""A `Record` as a row of the table `images`, and back. Pure: no database, no clock.

Nested values are compact JSON. JSON has no NaN and no infinity, and SQLite refuses a text that holds them, so a
number that is not finite is written as null.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from offload_sdk._latency import Mode
from offload_sdk._types import (
    Decision,
    Estimate,
    ImageInfo,
    Label,
    Latency,
    Outcome,
    Payload,
    Record,
    Snapshot,
)

__all__ = ["Value", "from_row", "outcomes_json", "to_row"]

Value = str | int | float | None

_encode_finite: Callable[[Any], str] = json.JSONEncoder(
    separators=(",", ":"), allow_nan=False, check_circular=False, default=float
).encode


def to_row(record: Record) -> tuple[Value, ...]:
    """Return the values of `schema.COLUMNS` for one record."""
    decision, image, snapshot = record.decision, record.image, record.snapshot
    top = record.labels[0] if record.labels else None
    return (
        record.request_id,
        record.wall_s,
        _text(record.source),
        decision.policy,
        decision.chosen,
        decision.path,
        record.path,
        record.endpoint,
        record.model,
        _text(decision.reason),
        decision.propensity,
        decision.explored,
        record.fallback,
        record.hedged,
        record.deadline_s,
        record.latency_s,
        _text(record.error),
        None if top is None else top.name,
        None if top is None else top.probability,
        image.format,
        image.width,
        image.height,
        image.encoded_bytes,
        snapshot.taken_s,
        snapshot.battery_frac,
        snapshot.on_mains,
        snapshot.power_w,
        snapshot.cpu_load_frac,
        snapshot.temperature_c,
        snapshot.throttled,
        snapshot.signal_dbm,
        _encode(decision.shadow),
        _encode({name: _estimate_entry(estimate) for name, estimate in decision.predicted.items()}),
        _encode(dict(record.timings)),
        "[" + outcomes_json(record.outcomes) + "]",
        _encode([[label.index, label.name, label.probability] for label in record.labels]),
        decision.second,
        _finite(decision.second_after_s),  # after an infinite time: never, as without any
    )


def outcomes_json(outcomes: Iterable[Outcome]) -> str:
    """Return the outcomes as the inside of a JSON list, so that more can be appended as text."""
    return ",".join(
        _encode({**outcome.to_dict(), "started_s": outcome.started_s, "retry_after_s": outcome.retry_after_s})
        for outcome in outcomes
    )


def from_row(row: Sequence[Any]) -> Record:
    """Return the record of one row, its values in the order of `schema.COLUMNS`."""
    (
        request_id,
        wall_s,
        source,
        policy,
        chosen,
        chosen_path,
        path,
        endpoint,
        model,
        reason,
        propensity,
        explored,
        fallback,
        hedged,
        deadline_s,
        latency_s,
        error,
        _top_label,
        _top_probability,
        image_format,
        image_width,
        image_height,
        image_bytes,
        taken_s,
        battery_frac,
        on_mains,
        power_w,
        cpu_load_frac,
        temperature_c,
        throttled,
        signal_dbm,
        shadow,
        predicted,
        timings,
        outcomes,
        labels,
        second,
        second_after_s,
    ) = row
    return Record(
        request_id=request_id,
        wall_s=wall_s,
        image=ImageInfo(format=image_format, width=image_width, height=image_height, encoded_bytes=image_bytes),
        snapshot=Snapshot(
            taken_s=taken_s,
            battery_frac=battery_frac,
            on_mains=_truth(on_mains),
            power_w=power_w,
            cpu_load_frac=cpu_load_frac,
            temperature_c=temperature_c,
            throttled=_truth(throttled),
            signal_dbm=signal_dbm,
        ),
        decision=Decision(
            chosen=chosen,
            path=chosen_path,
            policy=policy,
            reason=reason,
            predicted={name: _estimate(name, entry) for name, entry in json.loads(predicted).items()},
            propensity=propensity,
            explored=bool(explored),
            shadow=tuple(json.loads(shadow)),
            second=second,
            second_after_s=second_after_s,
        ),
        outcomes=tuple(_outcome(entry) for entry in json.loads(outcomes)),
        labels=_labels(json.loads(labels)),
        path=path,
        endpoint=endpoint,
        model=model,
        latency_s=latency_s,
        timings=json.loads(timings),
        fallback=bool(fallback),
        hedged=bool(hedged),
        deadline_s=deadline_s,
        source=source,
        error=error,
    )


def _encode(value: Any) -> str:
    try:
        return _encode_finite(value)
    except ValueError:
        return _encode_finite(_finite(value))


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _finite(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _text(value: str | None) -> str | None:
    # A file name that is not UTF-8 holds lone surrogates, which SQLite does not take.
    return None if value is None else value.encode("utf-8", "backslashreplace").decode("utf-8")


def _truth(value: int | None) -> bool | None:
    return None if value is None else bool(value)


def _number(value: float | None) -> float:
    return math.inf if value is None else value


def _estimate_entry(estimate: Estimate) -> dict[str, Any]:
    """Return what is told of an estimate everywhere, and the shape of its law: a replay decides by that too."""
    entry = estimate.to_dict()
    if estimate.latency.modes:
        entry |= {"latency_offset_s": estimate.latency.offset_s, "latency_modes": estimate.latency.modes}
    return entry


def _latency(entry: Mapping[str, Any]) -> Latency:
    return Latency(
        mean_s=_number(entry["latency_mean_s"]),
        sd_s=_number(entry["latency_sd_s"]),
        offset_s=entry.get("latency_offset_s", 0.0),
        modes=tuple(Mode(*mode) for mode in entry.get("latency_modes", ())),
    )


def _estimate(option: str, entry: Mapping[str, Any]) -> Estimate:
    return Estimate(
        option=option,
        path=entry["path"],
        latency=_latency(entry),
        energy_j=entry["energy_j"],
        energy_source=entry["energy_source"],
        cost_usd=entry["cost_usd"],
        success_probability=entry["success_probability"],
        payload=_payload(entry),
        payload_bytes=entry["payload_bytes"],
        parts_s=entry["parts_s"],
    )


def _payload(entry: Mapping[str, Any]) -> Payload | None:
    found = entry.get("payload")  # a row from before there was a choice has none
    return None if found is None else Payload(**found)


def _outcome(entry: Mapping[str, Any]) -> Outcome:
    known = {name: value for name, value in entry.items() if name in Outcome.__dataclass_fields__}
    known["labels"] = _labels(entry["labels"])
    known["payload"] = _payload(entry)
    known["latency_s"] = _number(entry["latency_s"])
    return Outcome(**known)


def _labels(entries: Iterable[Sequence[Any]]) -> tuple[Label, ...]:
    return tuple(Label(name=name, probability=probability, index=index) for index, name, probability in entries)
