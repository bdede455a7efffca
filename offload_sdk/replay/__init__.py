"""Replay: what another policy would have cost on a recorded log. Takes records, opens no log; loads NumPy.

`case` reads a row, `plan` settles what a decision costs, `support` says what the log can show, `model` fills the
rest; `trial` puts them together for one policy.
"""

from __future__ import annotations

from offload_sdk.replay.evaluate import LEAST_IMAGES, replay
from offload_sdk.replay.result import METHODS, Costs, Figure, Method, Replay, Verdict

__all__ = ["LEAST_IMAGES", "METHODS", "Costs", "Figure", "Method", "Replay", "Verdict", "replay"]
