"""The SDK over real sockets beside the simulation of the same scene: `python -m benchmarks.live`."""
