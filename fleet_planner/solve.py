"""Hands a program to HiGHS and brings back what it found. The only file that imports the solver."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from fleet_planner.geography import FloatArray
from fleet_planner.program import Program
from offload_sdk.errors import ConfigurationError, OffloadError

__all__ = ["Solution", "Status", "solve"]

Status: TypeAlias = Literal["optimal", "feasible", "time_limit", "infeasible"]

GAP_FRAC = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """`x` is None while no solution is known; `objective` belongs to it, and no solution is below `bound`.

    `row_dual` is the price of each row, of an optimal program without integers."""

    status: Status
    x: FloatArray | None
    objective: float
    bound: float
    solve_s: float
    row_dual: FloatArray | None = None


def solve(
    program: Program,
    *,
    time_limit_s: float = math.inf,
    start: FloatArray | None = None,
    seed: int = 0,
) -> Solution:
    """Solve to optimality, or until the time is over.

    `start` is a complete solution to begin with. Raises `ConfigurationError` without HiGHS and `OffloadError`
    when it fails.
    """
    try:
        import highspy
    except ImportError:
        raise ConfigurationError("the planner needs highspy: pip install 'offload-sdk[planner]'") from None
    began_s = time.perf_counter()
    solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]  # its own annotations are partial
    for name, value in (
        ("output_flag", False),
        ("mip_rel_gap", GAP_FRAC),
        ("mip_abs_gap", 0.0),
        ("time_limit", max(time_limit_s, 0.0)),
        ("random_seed", seed),
    ):
        solver.setOptionValue(name, value)
    width, height = len(program.cost), len(program.row_lower)
    whole = bool(program.integer.any())
    solver.passModel(
        width,
        height,
        len(program.value),
        int(highspy.MatrixFormat.kRowwise),
        int(highspy.ObjSense.kMinimize),
        program.offset,
        program.cost,
        program.lower,
        program.upper,
        program.row_lower,
        program.row_upper,
        program.start,
        program.column,
        program.value,
        program.integer.astype(np.int32),
    )
    if start is not None:
        known = highspy.HighsSolution()
        known.col_value = start
        solver.setSolution(known)
    solver.run()
    taken_s = time.perf_counter() - began_s
    status = solver.getModelStatus()
    kinds = highspy.HighsModelStatus
    info = solver.getInfo()
    if status in (kinds.kInfeasible, kinds.kUnboundedOrInfeasible):
        return Solution(status="infeasible", x=None, objective=math.inf, bound=math.inf, solve_s=taken_s)
    if status in (kinds.kOptimal, kinds.kModelEmpty):
        found = np.array(solver.getSolution().col_value)
        objective = info.objective_function_value
        bound = info.mip_dual_bound if whole else objective
        return Solution(
            status="optimal",
            x=found,
            objective=objective,
            bound=bound,
            solve_s=taken_s,
            row_dual=None if whole else np.array(solver.getSolution().row_dual),
        )
    if status == kinds.kTimeLimit:
        feasible = (
            whole and math.isfinite(info.objective_function_value) and bool(solver.getSolution().value_valid)
        )
        return Solution(
            status="time_limit",
            x=np.array(solver.getSolution().col_value) if feasible else None,
            objective=info.objective_function_value if feasible else math.inf,
            bound=info.mip_dual_bound if whole else -math.inf,
            solve_s=taken_s,
        )
    raise OffloadError(f"the solver gave up: {solver.modelStatusToString(status)}")
