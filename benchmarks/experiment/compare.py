"""Gives every image to every client, one right after the other in an order drawn for each image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from benchmarks.experiment.links import Link
from benchmarks.experiment.rig import PROTOTYPE, clients
from offload_sdk.baseline.images import ImageFile
from offload_sdk.baseline.measurement import Measurement
from offload_sdk.baseline.order import Way, order
from offload_sdk.baseline.run import measure

__all__ = ["compare"]


def compare(
    images: Sequence[ImageFile], link: Link, seed: int, *, slow: bool, tell: Callable[[str], None]
) -> list[Measurement]:
    """Start everything, measure, end everything. Ctrl-C ends it early, and what was measured until then counts.

    Raises `Unavailable` without the prototype's server.
    """
    found: list[Measurement] = []
    with suppress(KeyboardInterrupt), clients(link, slow=slow, tell=tell) as devices:
        ways = [Way(each.spec.name, "original" if each.spec.name == PROTOTYPE else "sdk") for each in devices]
        keys = order(1, [image.name for image in images], ways, seed)
        by_name = {image.name: image for image in images}
        measure(devices, by_name, keys, {}, found.append, tell=lambda step, frac: tell(f"{frac:4.0%} {step}"))
    return found
