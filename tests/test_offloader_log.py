"""What the loop writes down, shadow runs included, and that threads do not mix up their images."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from offload_kit import images_sent, jpeg, make, rows, until

from offload_sdk import ConfigurationError
from offload_sdk._types import Label
from offload_sdk.log import read_rows
from offload_sdk.testing import FaultyServer

SECRET = "s3cr3t-t0ken"


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with FaultyServer() as running:
        yield running


# The log


def test_a_row_holds_both_predictions_and_what_was_run(server: FaultyServer, tmp_path: Path) -> None:
    with make(tmp_path, server.url, policy="remote") as offloader:
        file = tmp_path / "photo.jpg"
        file.write_bytes(jpeg())
        remote = offloader.classify(file, deadline_s=4.0)
        server.fail("http_500", path="/analyze")
        fallen = offloader.classify(jpeg())
        first, second = rows(offloader)
    assert (first.request_id, first.source, first.deadline_s) == (remote.request_id, str(file), 4.0)
    assert set(first.decision.predicted) == {"local", "edge"}
    assert first.decision.reason == remote.decision.reason
    assert first.decision.propensity == 1.0
    assert (first.path, first.endpoint, first.model, first.labels) == ("remote", "edge", "faulty", remote.labels)
    assert [(o.option, o.role, o.status) for o in first.outcomes] == [("edge", "answer", "success")]
    assert first.snapshot.battery_frac == pytest.approx(0.83)
    assert (second.request_id, second.fallback, second.path) == (fallen.request_id, True, "local")
    assert [(o.option, o.role, o.status) for o in second.outcomes] == [
        ("edge", "answer", "failed"),
        ("local", "fallback", "success"),
    ]
    assert second.outcomes[0].error_kind == "status"
    assert "500" in (second.outcomes[0].error or "")


@pytest.mark.parametrize("policy", ["local", "remote"])
def test_a_shadow_rate_of_one_fills_both_sides(policy: str, server: FaultyServer, tmp_path: Path) -> None:
    with make(tmp_path, server.url, policy=policy, log={"shadow_rate": 1.0}) as offloader:
        for shade in range(5):
            result = offloader.classify(jpeg(shade))
            assert result.path == policy
            until(lambda: len(rows(offloader)[-1].outcomes) == 2, "the shadow run was logged")
        logged = rows(offloader)
    for row in logged:
        answer, shadow = row.outcomes
        assert (answer.role, shadow.role) == ("answer", "shadow")
        assert {answer.path, shadow.path} == {"local", "remote"}
        assert {answer.status, shadow.status} == {"success"}
        assert shadow.latency_s > 0.0


def test_shadow_runs_see_the_frame_as_it_was(server: FaultyServer, tmp_path: Path) -> None:
    """A camera writes its next picture into the same array, while the shadow of the last one still runs."""
    import numpy as np
    from PIL import Image

    one, other = (np.asarray(Image.open(_file(tmp_path, shade)).convert("RGB")) for shade in (1, 2))
    with make(tmp_path / "truth") as reference:
        truth = [reference.classify(frame).labels[0].index for frame in (one, other)]
    server.delay(0.15)
    frame = one.copy()
    with make(tmp_path, server.url, policy="remote", log={"shadow_rate": 1.0}) as offloader:
        offloader.classify(frame)
        frame[...] = other
        until(lambda: len(rows(offloader)[0].outcomes) == 2, "the shadow run was logged")
        assert rows(offloader)[0].outcomes[1].labels[0].index == truth[0]
    with make(tmp_path / "b", server.url, policy="local", log={"shadow_rate": 1.0}) as offloader:
        server.clear()
        offloader.classify(frame)
        frame[...] = 0
        until(lambda: images_sent(server), "the shadow run reached the server")
        sent = images_sent(server)[0].image
        assert sent is not None
        assert reference_label(tmp_path, sent) == truth[1]


def _file(folder: Path, shade: int) -> Path:
    file = folder / f"{shade}.jpg"
    file.write_bytes(jpeg(shade))
    return file


def reference_label(folder: Path, image: bytes) -> int:
    with make(folder, log={"enabled": False}) as reference:
        return reference.classify(image).labels[0].index


def test_a_token_is_in_no_status_no_row_no_error(server: FaultyServer, tmp_path: Path) -> None:
    server.fail("http_401")
    with make(tmp_path, server.url, policy="remote", token=SECRET) as offloader:
        result = offloader.classify(jpeg())
        texts = [repr(offloader.config), repr(offloader.status()), repr(result), repr(rows(offloader))]
        (row,) = rows(offloader)
    raw = b"".join(file.read_bytes() for file in tmp_path.glob("log.sqlite3*"))
    assert all(SECRET not in text for text in texts)
    assert SECRET.encode() not in raw
    assert row.outcomes[0].error_kind == "auth"
    assert "OFFLOAD_TOKEN" in (row.outcomes[0].error or "")


def test_without_a_log_it_classifies_all_the_same(tmp_path: Path) -> None:
    with make(tmp_path, log={"enabled": False}) as offloader:
        assert offloader.classify(jpeg()).labels
        assert not offloader.config.log_path.exists()
        assert offloader.status()["log"]["enabled"] is False


# Threads


def test_eight_threads_get_their_own_answers_and_one_row_each(tmp_path: Path) -> None:
    shades = [turn % 10 for turn in range(160)]
    with make(tmp_path / "truth") as reference:
        truth = {shade: reference.classify(jpeg(shade)).labels for shade in set(shades)}
    with make(tmp_path) as offloader:
        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(lambda shade: offloader.classify(jpeg(shade)), shades))
        logged = rows(offloader)
    for shade, result in zip(shades, results, strict=True):
        assert [label.index for label in result.labels] == [label.index for label in truth[shade]]
    ids = [result.request_id for result in results]
    assert len(set(ids)) == len(ids) == 160
    assert sorted(row.request_id for row in logged) == sorted(ids)
    by_id = {row.request_id: row for row in logged}
    assert all(by_id[result.request_id].labels == result.labels for result in results)


def test_threads_are_all_answered_by_a_flaky_server(tmp_path: Path) -> None:
    """Remote answers carry the picture's own mark, so one thread's answer cannot pass for another's."""

    def predict(image: bytes) -> list[Label]:
        return [Label(name=str(hash(image)), probability=0.5, index=1)]

    with FaultyServer(predict) as server:
        server.fail("reset", times=15)
        with make(tmp_path, server.url, policy="remote") as offloader:
            shades = [turn % 7 for turn in range(80)]
            with ThreadPoolExecutor(8) as pool:
                results = list(pool.map(lambda shade: (shade, offloader.classify(jpeg(shade))), shades))
            logged = rows(offloader)
    assert len({result.request_id for _, result in results}) == len(logged) == 80
    marks: dict[int, set[str]] = {}
    for shade, result in results:
        if result.path == "remote":
            marks.setdefault(shade, set()).add(result.labels[0].name)
    assert all(len(names) == 1 for names in marks.values())
    assert len(set.union(*marks.values())) == len(marks)


def test_shadow_runs_that_find_no_time_are_said_in_the_row(tmp_path: Path) -> None:
    with FaultyServer() as server:
        server.delay(0.2)
        with make(tmp_path, server.url, policy="local", log={"shadow_rate": 1.0}) as offloader:
            for shade in range(20):
                offloader.classify(jpeg(shade))
            log = offloader.config.log_path
        records = list(read_rows(log))
    assert len(records) == 20
    shadows = [[o for o in record.outcomes if o.role == "shadow"] for record in records]
    dropped = [o for runs in shadows for o in runs if o.error_kind == "busy"]
    assert dropped
    assert all(o.status == "ignored" for o in dropped)
    assert all(runs for runs in shadows)


@pytest.mark.parametrize("one", ["photo.jpg", Path("photo.jpg"), b"\xff\xd8"])
def test_one_image_is_not_many(one: object, tmp_path: Path) -> None:
    with make(tmp_path) as offloader, pytest.raises(ConfigurationError, match="classify_many"):
        offloader.classify_many(one)  # type: ignore[arg-type]
