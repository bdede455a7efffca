"""What is queued on an option: exact while all goes as expected, and never forgotten or negative."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload_sdk.estimate.backlog import Backlog, Job

pytestmark = pytest.mark.light


def test_nothing_queued_is_no_wait() -> None:
    assert Backlog().wait_s("local", 5.0) == 0.0


def test_waits_add_up_and_shrink_as_time_passes() -> None:
    backlog = Backlog()
    first = backlog.started("local", 0.1, 10.0)
    assert backlog.wait_s("local", 10.0) == pytest.approx(0.1)
    assert backlog.wait_s("local", 10.06) == pytest.approx(0.04)
    backlog.started("local", 0.1, 10.06)
    assert backlog.wait_s("local", 10.06) == pytest.approx(0.14)
    assert backlog.wait_s("edge", 10.06) == 0.0
    backlog.ended(first, 10.1)
    assert backlog.wait_s("local", 10.1) == pytest.approx(0.1)


def test_who_comes_behind_one_that_ends_early_moves_up() -> None:
    backlog = Backlog()
    first = backlog.started("local", 0.1, 0.0)
    backlog.started("local", 0.2, 0.0)
    backlog.ended(first, 0.04)
    assert backlog.wait_s("local", 0.04) == pytest.approx(0.2)
    assert backlog.wait_s("local", 0.14) == pytest.approx(0.1)


def test_who_comes_behind_one_that_is_late_waits_for_its_own_work_still() -> None:
    backlog = Backlog()
    first = backlog.started("local", 0.1, 0.0)
    backlog.started("local", 0.2, 0.0)
    assert backlog.wait_s("local", 0.15) == pytest.approx(0.2 + 0.05)  # overdue by 0.05: as long again
    backlog.ended(first, 0.16)
    assert backlog.wait_s("local", 0.16) == pytest.approx(0.2)
    assert backlog.wait_s("local", 0.26) == pytest.approx(0.1)


def test_what_is_dropped_from_the_queue_costs_nothing() -> None:
    backlog = Backlog()
    backlog.started("local", 0.1, 0.0)
    second = backlog.started("local", 0.3, 0.0)
    backlog.ended(second, 0.05)
    assert backlog.wait_s("local", 0.05) == pytest.approx(0.05)


def test_an_upload_frees_the_uplink_before_its_answer_is_there() -> None:
    backlog = Backlog()
    first = backlog.started("edge", 0.08, 0.0, tail_s=0.06)
    backlog.started("edge", 0.08, 0.0, tail_s=0.06)
    assert backlog.wait_s("edge", 0.12) == pytest.approx(0.04)
    backlog.ended(first, 0.14)
    assert backlog.wait_s("edge", 0.14) == pytest.approx(0.02)
    assert backlog.wait_s("edge", 0.2) == 0.0


def test_an_upload_that_never_ends_makes_its_link_look_ever_slower() -> None:
    """After a time e a newcomer is expected to take about e too: longer than the local path that answered."""
    backlog = Backlog()
    backlog.started("edge", 0.02, 0.0, tail_s=0.04)
    waits = [backlog.wait_s("edge", now_s) for now_s in (0.06, 0.1, 0.5, 1.0)]
    assert waits == pytest.approx([0.0, 0.04, 0.44, 0.94])


def test_a_hung_upload_that_others_pass_by_holds_up_nobody() -> None:
    backlog = Backlog()
    hung = backlog.started("edge", 0.02, 0.0, tail_s=0.04)
    later = backlog.started("edge", 0.02, 1.0, tail_s=0.04)
    assert backlog.wait_s("edge", 1.05) > 0.9
    backlog.ended(later, 1.06, answered=True)
    assert backlog.wait_s("edge", 1.06) == 0.0
    assert backlog.wait_s("edge", 9.0) == 0.0
    backlog.started("edge", 0.1, 9.0)
    backlog.ended(hung, 9.0)  # given up at last
    assert backlog.wait_s("edge", 9.0) == pytest.approx(0.1)


def test_one_that_fails_or_overtakes_in_time_says_nothing_of_those_before_it() -> None:
    backlog = Backlog()
    backlog.started("edge", 0.02, 0.0, tail_s=0.04)
    backlog.ended(backlog.started("edge", 0.02, 1.0, tail_s=0.04), 1.06)
    assert backlog.wait_s("edge", 1.06) == pytest.approx(1.0)
    backlog.started("local", 0.5, 0.0)
    backlog.ended(backlog.started("local", 0.1, 0.0), 0.2, answered=True)
    assert backlog.wait_s("local", 0.2) == pytest.approx(0.3)


def test_after_the_last_one_all_is_as_new() -> None:
    backlog = Backlog()
    backlog.ended(backlog.started("edge", 0.1, 0.0), 7.0)
    assert backlog.wait_s("edge", 7.0) == 0.0
    backlog.started("edge", 0.1, 8.0)
    assert backlog.wait_s("edge", 8.0) == pytest.approx(0.1)


steps = st.lists(
    st.tuples(
        st.sampled_from(["start", "answer", "fail"]),
        st.floats(0.0, 0.3),
        st.floats(0.0, 0.3),
        st.floats(0.0, 0.2),
        st.integers(0, 50),
    ),
    max_size=40,
)


@given(steps=steps)
def test_in_any_order_waits_are_never_negative_and_end_with_the_last_run(
    steps: list[tuple[str, float, float, float, int]],
) -> None:
    backlog, now_s = Backlog(), 100.0
    open_: list[Job] = []
    for what, pause_s, work_s, tail_s, which in steps:
        now_s += pause_s
        before_s = backlog.wait_s("edge", now_s)
        if what == "start" or not open_:
            open_.append(backlog.started("edge", work_s, now_s, tail_s=tail_s))
            assert backlog.wait_s("edge", now_s) == pytest.approx(before_s + work_s, abs=1e-9)
        else:
            backlog.ended(open_.pop(which % len(open_)), now_s, answered=what == "answer")
        assert backlog.wait_s("edge", now_s) >= -1e-9
    for job in open_:
        backlog.ended(job, now_s)
    assert backlog.wait_s("edge", now_s) == 0.0


@given(st.lists(st.tuples(st.floats(0.0, 0.3), st.floats(0.01, 0.3)), min_size=1, max_size=12))
def test_a_queue_that_runs_as_expected_is_foretold_exactly(images: list[tuple[float, float]]) -> None:
    """Against the recursion of a single server (Lindley): wait = max(wait + work − pause, 0)."""
    backlog, now_s, wait_s = Backlog(), 0.0, 0.0
    running: list[tuple[float, Job]] = []
    for pause_s, work_s in images:
        now_s += pause_s
        wait_s = max(wait_s - pause_s, 0.0)
        while running and running[0][0] <= now_s:
            backlog.ended(running[0][1], running[0][0])
            del running[0]
        assert backlog.wait_s("local", now_s) == pytest.approx(wait_s, abs=1e-6)
        wait_s += work_s
        running.append((now_s + wait_s, backlog.started("local", work_s, now_s)))
