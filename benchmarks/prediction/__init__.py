"""How well the remote time is foretold: `python -m benchmarks.prediction`. Simulated, not measured.

Each image is predicted when it arrives, then the link shows what it takes, then the predictor learns (Dawid's
prequential order), in the world of `benchmarks.policies`. Four ways of watching a link:

- `closed`: every image is sent, one at a time, at most 2/s;
- `open`: every image is sent when it comes, 2/s in the mean; it waits behind those that are still leaving;
- `stale`: every tenth image is sent, and the SDK's own schedule probes in between; the others are only predicted;
- `raced`: the device starts too, and an upload that it overtakes is stopped: "longer than that" is all one learns.

What an image would take is known to the simulation whether it is sent or not, so all are scored. A time past
10 s counts as 10 s: there the SDK gives up.
"""
