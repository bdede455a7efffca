"""Plans for fleets that are too large for an integer program: a heuristic, and a bound that says how good it is.

Every device against every server stands in one dense matrix, so memory is devices × servers × 4 bytes. All devices
must ask for the same capacity, which makes a server so many slots.
"""
