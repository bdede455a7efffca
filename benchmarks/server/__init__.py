"""What the server costs and how much it answers, beside other servers: `python -m benchmarks.server [--json]`.

One run starts every server that is installed, one at a time awake, and lets them take turns over several rounds,
so that a machine with moods disturbs all of them alike. A process of its own sends the load, on its own core.
"""
