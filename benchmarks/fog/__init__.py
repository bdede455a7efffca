"""The experiment of a context-aware fog node: server schedulers under simulated load. See `docs/fog.md`."""
