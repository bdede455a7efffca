"""The whole evaluation on logs of known truth: right, as sure as it says, and silent where it cannot know."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import pytest
from worlds import Moment, estimates, faster_as_predicted, log, moments, named, outcome, record, true_mean_s

from offload_sdk._types import Decision, ImageInfo, Latency, Outcome, Record, Situation, Snapshot
from offload_sdk.errors import OffloadError
from offload_sdk.replay import LEAST_IMAGES, Replay, replay
from offload_sdk.typing import Policy

TIMEOUT_S = 10.0
CHOICES: dict[str, Callable[[Moment], str]] = {
    "local": lambda moment: "local",
    "remote": lambda moment: "cloud",
    "latency": faster_as_predicted,
}


def replayed(rows: Sequence[Record], name: str, policy: Policy | None = None, resamples: int = 50) -> Replay:
    return replay(rows, policy or named(name), name=name, timeout_s=TIMEOUT_S, resamples=resamples)


@pytest.mark.parametrize("bias", [1.0, 1.2])
@pytest.mark.parametrize(("logged", "target"), [("local", "latency"), ("latency", "remote"), ("remote", "local")])
def test_with_shadows_every_method_but_the_model_is_unbiased(logged: str, target: str, bias: float) -> None:
    """Over many worlds the errors must cancel; the predictions' own bias must not matter."""
    errors: dict[str, list[float]] = {"shadowed": [], "inverse_propensity": [], "doubly_robust": []}
    for seed in range(12):
        world = moments(400, seed, persistence=0.5, bias=bias)
        found = replayed(log(world, named(logged), shadow_rate=0.3, seed=seed), target, resamples=2)
        truth = true_mean_s(world, CHOICES[target])
        assert found.target.recommended == "doubly_robust"
        for method, costs in found.target.estimates.items():
            if method in errors:
                errors[method].append(costs.latency_mean_s.value / truth - 1.0)
    for method, found_errors in errors.items():
        mean, sd = statistics.fmean(found_errors), statistics.stdev(found_errors)
        assert abs(mean) < max(3.0 * sd / len(found_errors) ** 0.5, 0.003), method
        assert abs(mean) < 0.03, method


def test_doubly_robust_is_the_surest_of_the_unbiased() -> None:
    spread: dict[str, list[float]] = {"shadowed": [], "inverse_propensity": [], "doubly_robust": []}
    for seed in range(12):
        world = moments(400, seed)
        found = replayed(log(world, named("latency"), shadow_rate=0.2, seed=seed), "remote", resamples=2)
        truth = true_mean_s(world, CHOICES["remote"])
        for method, errors in spread.items():
            errors.append(found.target.estimates[method].latency_mean_s.value / truth - 1.0)  # type: ignore[index]
    rms = {method: statistics.fmean(error**2 for error in errors) for method, errors in spread.items()}
    assert rms["doubly_robust"] < rms["inverse_propensity"] < rms["shadowed"]


def test_the_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """The truth here is the mean of the process that the world is drawn from, from one long run of it."""
    truth = true_mean_s(moments(100_000, 999, persistence=0.8), CHOICES["remote"])
    held = alone = 0
    worlds = 40
    for seed in range(worlds):
        found = replayed(
            log(moments(500, seed, persistence=0.8), named("local"), shadow_rate=0.5, seed=seed), "remote"
        )
        mean = found.target.costs.latency_mean_s
        held += mean.low <= truth <= mean.high
        # The same log, its images shuffled: as if neighbours had nothing in common.
        width = (mean.high - mean.low) / found.block_images**0.5
        alone += abs(mean.value - truth) <= 0.5 * width
    assert held >= 0.85 * worlds
    assert alone < held


def test_a_log_without_chance_says_that_it_cannot_tell() -> None:
    found = replayed(log(moments(300, 1), named("local")), "remote")
    target = found.target
    assert target.unsupported_frac == 1.0
    assert target.recommended == "direct"
    assert not target.is_evidence
    assert "cannot tell" in target.reason
    assert target.estimates.keys() == {"direct"}
    assert any("cloud never ran" in note for note in found.notes)


def test_what_the_log_did_itself_is_known_to_the_digit() -> None:
    rows = log(moments(200, 1), named("latency"), deadline_s=0.07)
    found = replayed(rows, "latency")
    costs = found.target.costs
    assert found.target.is_evidence
    assert found.target.shown_frac == 1.0
    assert found.target.change_frac.value == 0.0
    assert costs.latency_mean_s.value == pytest.approx(statistics.fmean(row.latency_s for row in rows))
    assert costs.late_frac is not None
    assert costs.late_frac.value == pytest.approx(statistics.fmean(row.latency_s > 0.07 for row in rows))
    assert costs.options["cloud"].value == pytest.approx(statistics.fmean(row.path == "remote" for row in rows))
    assert costs.energy_j is not None
    assert costs.energy_j.value == pytest.approx(
        statistics.fmean(o.energy_j or 0.0 for row in rows for o in row.outcomes)
    )


def test_with_every_image_shadowed_the_truth_is_known_to_the_digit() -> None:
    world = moments(200, 4)
    found = replayed(log(world, named("latency"), shadow_rate=1.0), "remote")
    assert found.target.costs.latency_mean_s.value == pytest.approx(true_mean_s(world, CHOICES["remote"]))
    best_s = true_mean_s(world, lambda moment: "local" if moment.local_s < moment.remote_s else "cloud")
    assert found.hindsight is not None
    assert found.hindsight.latency_mean_s.value == pytest.approx(best_s)
    references = {reference.policy: reference.costs.latency_mean_s.value for reference in found.references}
    assert references["local"] == pytest.approx(true_mean_s(world, CHOICES["local"]))


def test_few_shadows_are_no_evidence() -> None:
    found = replayed(log(moments(300, 1), named("local"), shadow_rate=0.03, seed=3), "remote")
    assert not found.target.is_evidence
    assert "only" in found.target.reason


def test_exploration_alone_is_support_enough() -> None:
    world = moments(1500, 6, persistence=0.5)
    found = replayed(log(world, named("local"), explore=0.3, seed=1), "remote")
    mean = found.target.costs.latency_mean_s
    assert found.target.is_evidence
    assert found.target.unsupported_frac == 0.0
    assert mean.value == pytest.approx(true_mean_s(world, CHOICES["remote"]), rel=0.06)
    assert found.target.effective < 600


class Hedging:
    """Remote, and local besides after 60 ms."""

    def decide(self, situation: Situation) -> Decision:
        decision = named("remote").decide(situation)
        return replace(decision, second="local", second_after_s=0.06)


def test_a_hedge_is_judged_by_both_times() -> None:
    world = moments(1500, 2, persistence=0.5)
    found = replayed(log(world, named("latency"), shadow_rate=0.5, seed=1), "hedging", policy=Hedging())
    expected = statistics.fmean(
        m.remote_s if m.remote_s <= 0.06 else min(m.remote_s, 0.06 + m.local_s) for m in world
    )
    costs = found.target.costs
    assert found.target.is_evidence
    assert costs.latency_mean_s.value == pytest.approx(0.001 + expected, rel=0.02)
    assert costs.duplicate_frac.value == pytest.approx(
        statistics.fmean(m.remote_s > 0.06 for m in world), abs=0.04
    )


def test_a_race_cut_short_is_no_evidence_of_what_the_loser_takes() -> None:
    """A log of hedges that cancel the loser never shows a slow remote time whole: no coin could have."""
    rows = []
    for number, moment in enumerate(moments(300, 5)):
        predicted = {estimate.option: estimate for estimate in estimates(moment)}
        decision = Decision(
            chosen="cloud",
            path="remote",
            policy="hedging",
            reason="",
            predicted=predicted,
            second="local",
            second_after_s=0.0,
        )
        cut = moment.local_s < moment.remote_s
        changes = {"status": "ignored", "censored": True, "labels": ()} if cut else {}
        both = [
            outcome("local", moment.local_s, "hedge"),
            outcome("cloud", min(moment.local_s, moment.remote_s), **changes),
        ]
        rows.append(record(number, decision, both, 0.001 + min(moment.local_s, moment.remote_s)))
    found = replayed(rows, "remote")
    assert not found.target.is_evidence
    assert found.target.unsupported_frac == pytest.approx(
        statistics.fmean(m.local_s < m.remote_s for m in moments(300, 5))
    )
    # The model knows that those took longer: it must lie above what the log shows of the others.
    assert found.target.costs.latency_mean_s.value > found.own.latency_mean_s.value
    assert replayed(rows, "local").target.is_evidence


class Teachable:
    """A hedge that keeps what it is taught."""

    def __init__(self) -> None:
        self.taught: list[list[Outcome]] = []

    def decide(self, situation: Situation) -> Decision:
        return Hedging().decide(situation)

    def learn(self, decision: Decision, outcomes: Iterable[Outcome]) -> None:
        self.taught.append(list(outcomes))


def test_a_learning_policy_is_taught_what_its_own_choices_would_have_shown_it() -> None:
    policy = Teachable()
    world = moments(300, 2)
    rows = log(world, named("remote"), shadow_rate=0.5, seed=5)
    replayed(rows, "teachable", policy=policy)
    assert len(policy.taught) == len(rows)
    for row, moment, outcomes in zip(rows, world, policy.taught, strict=True):
        shapes = [(one.option, one.role, one.status, one.censored) for one in outcomes]
        if moment.remote_s <= 0.06:
            assert shapes == [("cloud", "answer", "success", False)]
            assert outcomes[0].latency_s == moment.remote_s
        elif len(row.outcomes) == 2:
            lost = moment.remote_s > 0.06 + moment.local_s
            first = ("cloud", "answer", "ignored", True) if lost else ("cloud", "answer", "success", False)
            assert shapes[0] == first
            assert shapes[1][:2] == ("local", "hedge")
            assert outcomes[1].started_s - outcomes[0].started_s == pytest.approx(0.06)
    # Where the log does not show the second side, the model has to: a budget of duplicates must see them all.
    hedged = sum(any(one.role == "hedge" for one in outcomes) for outcomes in policy.taught)
    assert hedged == sum(moment.remote_s > 0.06 for moment in world)


@pytest.mark.parametrize("count", [0, 1, LEAST_IMAGES - 1])
def test_too_few_images_are_refused(count: int) -> None:
    with pytest.raises(OffloadError, match="no images" if count == 0 else f"{count} image"):
        replayed(log(moments(count, 1), named("local")), "remote")


def test_rows_that_make_no_sense_are_left_out_and_counted() -> None:
    rows = log(moments(60, 1), named("latency"))
    endless = replace(estimates(moments(1, 1)[0])[1], latency=Latency(mean_s=math.inf, sd_s=math.inf))
    odd = replace(rows[3].decision, predicted={**rows[3].decision.predicted, "cloud": endless})
    blind = replace(rows[4].decision, predicted={})
    found = replayed([*rows, replace(rows[3], decision=odd), replace(rows[4], decision=blind)], "latency")
    assert found.images == 60
    assert found.own == replayed(rows, "latency").own
    assert "2 images are left out" in found.notes[0]


def test_the_same_log_gets_the_same_answer() -> None:
    rows = log(moments(100, 1), named("latency"), shadow_rate=0.5, seed=1)
    assert replayed(rows, "remote") == replayed(rows, "remote")


def test_the_policy_sees_what_was_known_then() -> None:
    seen: list[Situation] = []

    class Watching:
        def decide(self, situation: Situation) -> Decision:
            seen.append(situation)
            return named("local").decide(situation)

    world = moments(25, 1)
    rows = log(world, named("latency"), deadline_s=0.2)
    replayed(rows, "watching", policy=Watching())
    assert [situation.estimates for situation in seen] == [estimates(moment) for moment in world]
    assert {situation.deadline_s for situation in seen} == {0.2 - 0.001}
    assert seen[7].snapshot == Snapshot(taken_s=7.0, on_mains=True)
    assert isinstance(seen[7].image, ImageInfo)
