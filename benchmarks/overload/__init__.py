"""What more load than it can sustain does to our server, by scheduler. Run it: `python -m benchmarks.overload`."""
