"""The policies that do not weigh anything: always local, always remote."""

from __future__ import annotations

from offload_sdk._types import Decision, OptionPath, Situation
from offload_sdk.decide.options import decision, describe, expected_latency_s, open_options

__all__ = ["Fixed"]


class Fixed:
    """Always the one side; among several endpoints the one expected to be fastest.

    If that side has no open option (every endpoint is out, or there is none), the other side is taken.
    """

    def __init__(self, path: OptionPath) -> None:
        self._path: OptionPath = path

    def decide(self, situation: Situation) -> Decision:
        options = open_options(situation)
        mine = [estimate for estimate in options if estimate.path == self._path]
        chosen = min(mine or options, key=lambda estimate: expected_latency_s(estimate, situation))
        if mine:
            reason = f"the policy is always {self._path}: {describe(chosen)}"
        else:
            reason = f"the policy is always {self._path}, but it has no open option: {describe(chosen)}"
        return decision(self._path, chosen, reason, situation)
