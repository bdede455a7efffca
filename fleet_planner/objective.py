"""What a plan is to be best at, by name. Pure; no model.

Every objective serves as many devices as can be served first. `cost` is (15) in dollars an hour, `delay` is (16)
in seconds summed over the devices served, both without the penalty.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

from offload_sdk.errors import ConfigurationError

__all__ = ["OBJECTIVES", "Objective", "objective"]

Objective: TypeAlias = Literal["cost", "delay", "cost-delay", "delay-cost", "weighted"]
OBJECTIVES: tuple[Objective, ...] = get_args(Objective)


def objective(name: str) -> Objective:
    """Return the name if it is one. Raises `ConfigurationError`."""
    if name not in OBJECTIVES:
        raise ConfigurationError(f"the objective {name!r} is none of {', '.join(OBJECTIVES)}")
    return name
