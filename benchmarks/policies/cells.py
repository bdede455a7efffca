"""One cell of the comparison: a link, a board, a payload and a seed, for every policy. No output."""

from __future__ import annotations

import gc
import random
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from benchmarks.policies.averages import BytesPerSecond, ChangePoint, RemoteTime
from benchmarks.policies.contender import Contender
from benchmarks.policies.engine import Run, simulate
from benchmarks.policies.fixed import Always, EnergyOracle, Oracle, Race, RttThreshold
from benchmarks.policies.linear import LeastSquares, MuLinUcb
from benchmarks.policies.links import load, splice
from benchmarks.policies.scene import HEADER_BYTES, Arrivals, Scene, World, draw_images
from benchmarks.policies.sdk import HedgeAtP90, Sdk
from offload_sdk._config import AutoConfig
from offload_sdk._profile import reference_profile
from offload_sdk._types import Profile
from offload_sdk.decide import policy_by_name

__all__ = [
    "AUTO",
    "ENERGY_ORACLE",
    "ORACLE",
    "POLICIES",
    "Case",
    "Tally",
    "at_budget",
    "budget_of",
    "play",
    "profile_of",
    "scene_of",
]

AUTO, ORACLE, ENERGY_ORACLE = "auto", "oracle", "energy_oracle"
_BOARDS = ((100.0, "zero_2_w"), (50.0, "pi_3b_plus"), (20.0, "pi_4"), (0.0, "pi_5"))
_RTT_LIMITS_S = (0.003, 0.01, 0.02, 0.035, 0.05, 0.07, 0.1, 0.15)
_SPLICED_S = 600.0


def _sdk(policy: str, scene: Scene, profile: Profile) -> Sdk:
    named = policy_by_name(policy, **AutoConfig().model_dump(), rng=random.Random(scene.seed))
    return Sdk(profile, scene.payload_bytes, scene.seed, named)


Maker = Callable[[Scene, Profile], Contender]
_MAKERS: Mapping[str, Maker] = {
    "local": lambda scene, profile: Always("local"),
    "remote": lambda scene, profile: Always("remote"),
    "ewma_bytes_per_s": lambda scene, profile: BytesPerSecond(scene.board_s),
    "ewma_remote_time": lambda scene, profile: RemoteTime(scene.board_s, scene.seed),
    "rls": lambda scene, profile: LeastSquares(scene.board_s),
    "mu_lin_ucb": lambda scene, profile: MuLinUcb(scene.board_s, scene.payload_bytes),
    "change_point": lambda scene, profile: ChangePoint(scene.board_s, scene.seed),
    "hedge_p90": lambda scene, profile: HedgeAtP90(profile, scene.payload_bytes, scene.seed),
    "race": lambda scene, profile: Race(),
    AUTO: lambda scene, profile: Sdk(
        profile, scene.payload_bytes, scene.seed, duplicates_frac=scene.duplicates_frac
    ),
    "energy": lambda scene, profile: _sdk("energy", scene, profile),
    "bandit": lambda scene, profile: _sdk("bandit", scene, profile),
    ORACLE: lambda scene, profile: Oracle(),
    ENERGY_ORACLE: lambda scene, profile: EnergyOracle(),
}
_IN_HINDSIGHT = ("best_fixed", "best_rtt_threshold")
POLICIES = (*_MAKERS, *_IN_HINDSIGHT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What one run is over. `trace` is `spliced` when `splice_s` is given.

    `auto` runs under the budget `duplicates_frac`, and once more under each of `budgets`.
    """

    folder: Path
    trace: str
    splice_s: float | None
    board_ms: float
    payload_bytes: int
    arrivals: Arrivals
    seed: int
    images: int
    deadline_boards: float
    duplicates_frac: float
    budgets: tuple[float, ...]
    world: World


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What a policy's run of one case came to. Latencies in seconds, in the order of the images."""

    latencies_s: array[float]
    misses: int
    duplicates: int
    explored: int
    dropped: int
    energy_j: float
    sent_bytes: float
    probe_bytes: int
    all_bytes: int

    @property
    def mean_s(self) -> float:
        return sum(self.latencies_s) / len(self.latencies_s)


@cache
def profile_of(board_ms: float) -> Profile:
    """The reference powers of the board whose time is nearest in kind; times as the simulation has them."""
    name = next(name for least_ms, name in _BOARDS if board_ms >= least_ms)
    return replace(
        reference_profile(name, model="mobilenet_v3_large", threads=4),
        infer_s=board_ms / 1e3,
        infer_sd_s=0.05 * board_ms / 1e3,
        preprocess_s=0.0,
        encode_s=0.0,
        decode_s_per_pixel={"": 0.0},
        measured=True,
    )


def scene_of(case: Case) -> Scene:
    rng = random.Random(f"{case.seed}/{case.trace}")
    if case.splice_s is None:
        link = load(case.folder, case.trace)
    else:
        link = splice(case.folder, case.splice_s, _SPLICED_S, case.seed)
    board_s = case.board_ms / 1e3
    return Scene(
        link=link,
        origin_s=rng.uniform(0.0, link.duration_s) if case.splice_s is None else 0.0,
        images=draw_images(
            case.images,
            arrivals=case.arrivals,
            board_s=board_s,
            payload_bytes=case.payload_bytes,
            server_s=case.world.server_s,
            rng=rng,
        ),
        arrivals=case.arrivals,
        board_s=board_s,
        payload_bytes=case.payload_bytes,
        deadline_s=case.deadline_boards * board_s,
        duplicates_frac=case.duplicates_frac,
        seed=case.seed,
        world=case.world,
    )


def at_budget(duplicates_frac: float) -> str:
    """The name under which `auto` stands with a budget of duplicates that is not the command's."""
    return f"{AUTO}@{duplicates_frac:g}"


def budget_of(policy: str) -> float | None:
    """The budget in such a name, else None."""
    name, mark, budget = policy.partition("@")
    return float(budget) if mark and name == AUTO else None


def play(case: Case) -> dict[str, Tally]:
    """Run every policy over the case."""
    scene, profile = scene_of(case), profile_of(case.board_ms)
    gc.freeze()  # a trace is many objects that stay: looking at them for garbage again and again takes its time
    tallies = {name: _run(scene, make(scene, profile), profile) for name, make in _MAKERS.items()}
    for budget in case.budgets:
        tallies[at_budget(budget)] = _run(
            scene, _MAKERS[AUTO](replace(scene, duplicates_frac=budget), profile), profile
        )
    fixed = [tallies["local"], tallies["remote"]]
    rtts_s = [sample.rtt_s for sample in scene.link.samples]
    # A limit below all round trips is always local, one above them always remote.
    limits_s = [limit_s for limit_s in _RTT_LIMITS_S if min(rtts_s) < limit_s <= max(rtts_s)]
    limits = [_run(scene, RttThreshold(limit_s), profile) for limit_s in limits_s]
    tallies["best_fixed"] = min(fixed, key=lambda tally: tally.mean_s)
    tallies["best_rtt_threshold"] = min([*fixed, *limits], key=lambda tally: tally.mean_s)
    return tallies


def _run(scene: Scene, contender: Contender, profile: Profile) -> Tally:
    return _tally(scene, simulate(scene, contender, profile))


def _tally(scene: Scene, run: Run) -> Tally:
    answers = sorted(run.answers, key=lambda answer: answer.index)
    return Tally(
        latencies_s=array("d", (answer.latency_s for answer in answers)),
        misses=sum(answer.latency_s > scene.deadline_s for answer in answers),
        duplicates=sum(answer.duplicate for answer in answers),
        explored=sum(answer.explored for answer in answers),
        dropped=run.dropped,
        energy_j=run.energy_j,
        sent_bytes=run.sent_bytes,
        probe_bytes=run.probe_bytes,
        all_bytes=sum(draw.size_bytes + HEADER_BYTES for draw in scene.images),
    )
