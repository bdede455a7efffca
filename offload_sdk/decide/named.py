"""From a policy's name in the configuration to the policy. Nothing else knows names."""

from __future__ import annotations

import random

from offload_sdk.decide.auto import Auto
from offload_sdk.decide.bandit import Bandit
from offload_sdk.decide.deadline import MeetDeadline
from offload_sdk.decide.fixed import Fixed
from offload_sdk.decide.limits import Limits
from offload_sdk.decide.minimise import Minimise, by_cost, by_energy, by_latency
from offload_sdk.errors import ConfigurationError
from offload_sdk.typing import Policy

__all__ = ["policy_by_name"]


def policy_by_name(
    name: str,
    *,
    seconds_per_joule: float,
    seconds_per_usd: float,
    duplicates_frac: float,
    battery_threshold_frac: float,
    signal_threshold_dbm: float,
    deadline_probability: float,
    rng: random.Random | None = None,
) -> Policy:
    """Return the policy of this name, its draws, if it makes any, from `rng`.

    Raises `ConfigurationError` for an unknown name.
    """
    match name:
        case "auto":
            return Auto(
                seconds_per_joule=seconds_per_joule,
                seconds_per_usd=seconds_per_usd,
                duplicates_frac=duplicates_frac,
                battery_threshold_frac=battery_threshold_frac,
                signal_threshold_dbm=signal_threshold_dbm,
                deadline_probability=deadline_probability,
            )
        case "local":
            return Fixed("local")
        case "remote":
            return Fixed("remote")
        case "latency":
            return Minimise("latency", by_latency, lambda seconds: f"{seconds * 1e3:.0f} ms")
        case "energy":
            return Minimise("energy", by_energy, lambda joules: f"{joules * 1e3:.0f} mJ")
        case "cost":
            return Minimise("cost", by_cost, lambda dollars: f"{dollars * 1e6:.2f} µUSD")
        case "deadline":
            return MeetDeadline(deadline_probability)
        case "bandit":
            limits = Limits(
                battery_threshold_frac=battery_threshold_frac,
                signal_threshold_dbm=signal_threshold_dbm,
                deadline_probability=deadline_probability,
            )
            return Bandit(limits=limits, rng=rng or random.Random())
        case _:
            raise ConfigurationError(f"there is no policy called {name!r}")
