"""The memory of the last pictures: bounded, complete with what ends late, and never in the way of the log."""

from __future__ import annotations

import threading
from dataclasses import replace

from offload_kit import PATIENCE_S

from offload_sdk._assembly import NoLog
from offload_sdk._types import Decision, ImageInfo, Outcome, Record, Snapshot
from offload_sdk.ui.recent import Recent

LATE = Outcome(option="edge", path="remote", status="success", role="shadow", started_s=0.0, latency_s=0.2)


def record(name: str, *shadow: str) -> Record:
    return Record(
        request_id=name,
        wall_s=0.0,
        image=ImageInfo(format="JPEG", width=1, height=1),
        snapshot=Snapshot(taken_s=0.0),
        decision=Decision(chosen="local", path="local", policy="x", reason="", predicted={}, shadow=shadow),
        outcomes=(replace(LATE, option="local", path="local", role="answer"),),
        labels=(),
        path="local",
        endpoint=None,
        model=None,
        latency_s=0.1,
        timings={},
    )


def test_it_keeps_the_last_and_tells_what_has_changed_since() -> None:
    recent = Recent(NoLog(), size=2)
    for name in "abc":
        recent.append(record(name))
    version, entries = recent.since(0)
    assert [entry.record.request_id for entry in entries] == ["b", "c"]
    assert recent.since(version) == (version, [])
    recent.amend("b", [LATE])
    recent.amend("a", [LATE])  # forgotten
    later, changed = recent.since(version)
    assert later > version
    assert [(entry.record.request_id, len(entry.record.outcomes)) for entry in changed] == [("b", 2)]


def test_a_record_is_waited_for_until_its_shadow_has_ended() -> None:
    recent = Recent(NoLog())
    recent.append(record("a", "edge"))
    entry = recent.complete("a", 0.0)
    assert entry is not None
    assert len(entry.record.outcomes) == 1
    threading.Timer(0.05, recent.amend, ("a", [LATE])).start()
    entry = recent.complete("a", PATIENCE_S)
    assert entry is not None
    assert [outcome.option for outcome in entry.record.outcomes] == ["local", "edge"]
    assert recent.complete("unknown", PATIENCE_S) is None
