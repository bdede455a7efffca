"""Off-policy evaluation: "what would this policy have cost me?", from the records of a log. Reads no file.

The images go through the policy in their order, each with the predictions, the state of the device, the deadline
and the barred endpoints that were recorded. So the answer is for the policy *given those predictions*: under it
the estimators would have seen other samples and predicted otherwise, but those samples are not in the log, and
what is there instead was picked by the log's own policy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from offload_sdk._types import Record
from offload_sdk.decide import Fixed
from offload_sdk.errors import OffloadError
from offload_sdk.replay.case import Bill, Case, case_of, is_whole
from offload_sdk.replay.intervals import Intervals
from offload_sdk.replay.model import Model
from offload_sdk.replay.plan import Plan, plan_of, settle
from offload_sdk.replay.result import Replay
from offload_sdk.replay.sample import Sample
from offload_sdk.replay.support import is_steady, shadow_share
from offload_sdk.replay.trial import Trial
from offload_sdk.typing import Policy

__all__ = ["LEAST_IMAGES", "replay"]

LEAST_IMAGES = 20
_MANY_LOST_FRAC = 0.05
_TELL_IMAGES = 200


def replay(
    records: Iterable[Record],
    policy: Policy,
    *,
    name: str,
    timeout_s: float,
    seed: int = 0,
    resamples: int = 500,
    progress: Callable[[str, float], None] = lambda step, frac: None,
) -> Replay:
    """Evaluate `policy` on the images of a log, in the order in which they were written.

    Args:
        policy: a fresh one; it is asked once per image, in order.
        name: what to call it.
        timeout_s: the setting `remote_timeout_s`.
        seed: of the resampling that gives the intervals.
        resamples: how many; with fewer the intervals come out rougher, and sooner.
        progress: is told the step and the share of the work that is done, 0..1.

    Raises:
        OffloadError: there are fewer than `LEAST_IMAGES` images.
    """
    cases, odd = [], 0
    for record in records:
        if is_whole(record):
            cases.append(case_of(record))
        else:
            odd += 1
    if len(cases) < LEAST_IMAGES:
        held = f"{len(cases)} image{'' if len(cases) == 1 else 's'}" if cases else "no images"
        raise OffloadError(f"the log holds {held}; a replay needs {LEAST_IMAGES} to say anything")
    options = sorted(
        {e.option for case in cases for e in case.situation.estimates}, key=lambda o: (o != "local", o)
    )
    share = shadow_share(cases)
    target = Trial(name, policy, timeout_s=timeout_s, share=share)
    fixed = [Trial(path, Fixed(path), timeout_s=timeout_s, share=share) for path in ("local", "remote")]
    model = Model(cases, seed)
    for place, case in enumerate(cases):
        if place % _TELL_IMAGES == 0:
            progress("deciding anew", 0.6 * place / len(cases))
        own, draws = plan_of(case.decision, case, timeout_s), model.draws(place)
        for trial in (target, *fixed):
            trial.add(place, case, own, draws)
    intervals = Intervals([[case.bill.latency_s for case in cases], target.expected_s], options, resamples, seed)
    own_sample = Sample([(place, 1.0, case.bill) for place, case in enumerate(cases)], len(cases), options)
    best = [(place, 1.0, bill) for place, case in enumerate(cases) if (bill := _best(case)) is not None]
    progress("resampling", 0.6)
    return Replay(
        images=len(cases),
        policies=dict(Counter(case.decision.policy for case in cases).most_common()),
        shadowed=sum(case.shadowed for case in cases),
        shadow_frac=share,
        block_images=intervals.block_images,
        own=intervals.costs(own_sample),
        target=target.verdict(intervals, own_sample, options, all_methods=True),
        references=tuple(trial.verdict(intervals, own_sample, options, all_methods=False) for trial in fixed),
        hindsight=intervals.costs(Sample(best, len(cases), options)) if best else None,
        notes=tuple(_notes(cases, model, odd)),
    )


def _best(case: Case) -> Bill | None:
    """Return the bill of whoever knew all times in advance; None for an image that was not shadowed."""
    if not case.shadowed:
        return None
    bills = [settle(Plan(first=option), case.runs, case) for option in case.runs]
    return min((b for b in bills if isinstance(b, Bill) and b.option), key=lambda b: b.latency_s, default=None)


def _notes(cases: list[Case], model: Model, odd: int) -> Iterable[str]:
    """Yield what may bend the answer, as far as the log shows it."""
    if odd:
        yield f"{odd:,} images are left out: their rows hold no prediction of what was chosen, or endless times"
    asked = sum(case.lost or case.shadowed for case in cases)
    lost = sum(case.lost for case in cases)
    if lost > _MANY_LOST_FRAC * asked:
        yield (
            f"{lost:,} of {asked:,} shadow runs are missing: they were dropped while others were still running, "
            "or the device stopped; slow times are probably among them, and the answer is too low by that"
        )
    if not is_steady(cases):
        yield (
            "the share of shadowed images changed within the log; take a stretch with one log.shadow_rate "
            "(--since), or the answer leans to the stretches with more of them"
        )
    for option in model.unseen:
        yield f"{option} never ran: its predictions are taken as they are"
