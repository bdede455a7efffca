"""The rules that learn nothing: one side always, both always, a threshold on the round trip, the oracles."""

from __future__ import annotations

from benchmarks.policies.contender import Contender, Plan, View
from offload_sdk._types import OptionPath

__all__ = ["Always", "EnergyOracle", "Oracle", "Race", "RttThreshold"]


class Always(Contender):
    """One side for every image; remote falls back to the device only after the longest time-out."""

    def __init__(self, path: OptionPath) -> None:
        self._plan = Plan(first=path)

    def plan(self, view: View) -> Plan:
        return self._plan


class Race(Contender):
    """Both sides at once for every image; the first answer counts."""

    def plan(self, view: View) -> Plan:
        return Plan(first="remote", second_after_s=0.0)


class RttThreshold(Contender):
    """Remote while the round trip is below a limit; it is told the present round trip at no cost."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s

    def plan(self, view: View) -> Plan:
        return Plan(first="remote" if view.rtt_s < self._limit_s else "local")


class Oracle(Contender):
    """Knows both answers' times of every image, behind what is queued already; takes the earlier.

    It never duplicates and its connection is always warm. It looks no further than the image: with queues a
    plan for all images together can be better.
    """

    keeps_warm = True

    def plan(self, view: View) -> Plan:
        truth = view.truth()
        return Plan(first="local" if truth.local_s <= truth.remote_s else "remote")


class EnergyOracle(Contender):
    """The same for energy: knows what each side would take out of the battery, and takes the lesser."""

    keeps_warm = True

    def plan(self, view: View) -> Plan:
        truth = view.truth()
        return Plan(first="local" if truth.local_j <= truth.remote_j else "remote")
