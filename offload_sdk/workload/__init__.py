"""Pictures to measure with, made from photographs that a package carries. Classifies and times nothing."""

from __future__ import annotations

from offload_sdk.workload.folder import MANIFEST, write_workload
from offload_sdk.workload.recipe import LARGEST_BYTES, SMALLEST_BYTES, WorkloadSpec

__all__ = ["LARGEST_BYTES", "MANIFEST", "SMALLEST_BYTES", "WorkloadSpec", "write_workload"]
