"""Loads, ways of operation and platforms drawn at random, for the property tests."""

from __future__ import annotations

from hypothesis import strategies as st

from offload_sdk.pricing import platforms
from offload_sdk.pricing.load import Load, Operation
from offload_sdk.pricing.month import Overheads

PLATFORMS = st.sampled_from(list(platforms().values()))
LOADS = st.builds(
    Load,
    images_per_s=st.floats(1e-5, 300.0),
    service_s=st.floats(1e-3, 3.0),
    hours_per_day=st.floats(0.5, 24.0),
)
OPERATIONS = st.builds(
    Operation,
    scaling=st.sampled_from(["fixed", "auto", "zero"]),
    utilisation_frac=st.floats(0.1, 1.0),
    idle_s=st.floats(60.0, 3600.0),
)
OVERHEADS = st.builds(Overheads, counted=st.booleans(), load_balancer=st.booleans())
