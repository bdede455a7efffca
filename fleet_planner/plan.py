"""The result: routes with what they cost, how good they are proven to be, and how long it took. No solving."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet_planner.network import Network
from fleet_planner.objective import Objective
from fleet_planner.routes import Routes, cost_usd_per_h, delays_s
from fleet_planner.solve import Status

__all__ = ["Plan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a network's devices are served.

    `objective` is what was minimised, without the penalty: dollars an hour for `cost`, seconds summed over the
    devices served for `delay`; of a lexicographic objective its last part. No plan that serves as many devices is
    below `bound`, and no plan serves more than `served_bound`. `solve_s` is the time from the network to the plan.
    """

    network: Network
    aim: Objective
    routes: Routes
    status: Status
    objective: float
    bound: float
    served_bound: int
    solve_s: float

    @property
    def served(self) -> int:
        return len(self.routes.served)

    @property
    def gap(self) -> float:
        """(objective − bound) / objective, 0 when the plan is proven optimal."""
        return max(self.objective - self.bound, 0.0) / max(abs(self.objective), 1e-12)

    @property
    def acceptance_frac(self) -> float | None:
        """The share of devices that are served; None without devices."""
        count = len(self.routes.attachment)
        return self.served / count if count else None

    @property
    def cost_usd_per_h(self) -> float:
        return cost_usd_per_h(self.network, self.routes)

    @property
    def mean_delay_s(self) -> float | None:
        """The mean over the devices served; None when there are none."""
        return float(np.nanmean(delays_s(self.network, self.routes))) if self.served else None
