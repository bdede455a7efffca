"""Policies over recorded links on a virtual clock: `python -m benchmarks.policies`. Simulated, not measured.

The device's own estimators and policies run beside published rules and clairvoyant oracles. `README.md` says what
the commands print, what the world of the simulation is and what is left out of it.
"""
