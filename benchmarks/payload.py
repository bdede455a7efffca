"""What the coding of an upload costs in labels and in bytes: `python -m benchmarks.payload` (minutes; part of
`make bench`).

For each side and quality: the mean bytes of a payload, and the share of photographs whose first label is the same
as without any upload. From these figures the ladder of `offload_sdk/model/payload.py` was chosen; the rows at the
end hold it to them. Needs the shared test data beside the checkout.
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from benchmarks.photographs import SHARED, Photograph, photographs, two_classifiers
from benchmarks.results import Row, publish
from offload_sdk._config import PayloadConfig
from offload_sdk._types import Payload
from offload_sdk.model import Classifier, InputSpec, open_picture, payloads_for

SPEC = InputSpec()
LADDER = payloads_for(SPEC)
SIDES_PX = (256, 224, 192, 160, 128)
QUALITIES = (95, 90, 85, 80, 70, 60, 50, 40, 30)
_Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one payload came to over all photographs. Counts per model, in the order of the models."""

    payload: Payload
    sizes_bytes: tuple[int, ...]
    same: tuple[int, ...]
    right: tuple[int, ...]

    @property
    def mean_bytes(self) -> float:
        return statistics.mean(self.sizes_bytes)


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """The 95 % interval of a share, after Wilson (1927)."""
    share, z2 = hits / trials, _Z95 * _Z95
    middle = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = _Z95 / (1 + z2 / trials) * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials * trials))
    return middle - half, middle + half


def measure(
    payloads: Sequence[Payload], photos: Sequence[Photograph], models: Sequence[Classifier]
) -> tuple[list[Cost], tuple[int, ...]]:
    """The cost of each payload, and how many labels each model has right without an upload."""
    sizes: list[list[int]] = [[] for _ in payloads]
    same = [[0] * len(models) for _ in payloads]
    right = [[0] * len(models) for _ in payloads]
    right_here = [0] * len(models)
    for photo in photos:
        picture = open_picture(photo.path, SPEC, payload=payloads[0])
        here = [_first(model, picture.tensor({})) for model in models]
        for number, label in enumerate(here):
            right_here[number] += label == photo.class_index
        for place, payload in enumerate(payloads):
            encoded, _ = picture.payload({}, payload)
            sizes[place].append(len(encoded))
            received = open_picture(encoded, SPEC).tensor({})
            for number, model in enumerate(models):
                there = _first(model, received)
                same[place][number] += there == here[number]
                right[place][number] += there == photo.class_index
    costs = [
        Cost(payload=payload, sizes_bytes=tuple(sizes[i]), same=tuple(same[i]), right=tuple(right[i]))
        for i, payload in enumerate(payloads)
    ]
    return costs, tuple(right_here)


def _first(model: Classifier, tensor: Any) -> int:
    return int(model.infer(tensor).argmax())


def on_hull(costs: Sequence[Cost]) -> set[Payload]:
    """The payloads that some price on a label makes the best, by the first model: the lower convex hull of mean
    bytes and changed labels."""
    hull: list[Cost] = []
    for cost in sorted(costs, key=lambda cost: (cost.mean_bytes, -cost.same[0])):
        if hull and cost.same[0] <= hull[-1].same[0]:
            continue
        while len(hull) > 1 and _labels_per_byte(hull[-2], hull[-1]) <= _labels_per_byte(hull[-1], cost):
            hull.pop()
        hull.append(cost)
    return {cost.payload for cost in hull}


def _labels_per_byte(smaller: Cost, larger: Cost) -> float:
    return (larger.same[0] - smaller.same[0]) / (larger.mean_bytes - smaller.mean_bytes)


def print_table(costs: Sequence[Cost], names: Sequence[str], images: int, labelled: int) -> None:
    """`*`: on the ladder; `<`: on the hull."""
    print("     px quality     KB" + "".join(f"  {name[:29]:>29}" for name in names))
    print(" " * 22 + "     same label [95 %]  right" * len(names) + f"   of {images} and {labelled}")
    hull = on_hull(costs)
    for cost in sorted(costs, key=lambda cost: -cost.mean_bytes):
        payload = cost.payload
        marks = ("*" if payload in LADDER else " ") + ("<" if payload in hull else " ")
        shares = ""
        for same, right in zip(cost.same, cost.right, strict=True):
            low, high = wilson(same, images)
            shares += f"  {same / images:8.1%} [{low:.2f}, {high:.2f}]  {right:5d}"
        print(f"{marks} {payload.side_px:4d} {payload.quality:7d} {cost.mean_bytes / 1e3:6.1f} {shares}")


def print_choices() -> None:
    """Over which links each form is sent at the default price, for a photograph of the mean size."""
    price = PayloadConfig().seconds_per_error
    print(f"At {price:g} s for a label that changes, a photograph of the mean size is sent as")
    limit = "over any faster link"
    for better, smaller in pairwise(LADDER):
        lost = (better.agreement_frac or 1.0) - (smaller.agreement_frac or 1.0)
        rate = (better.expected_bytes - smaller.expected_bytes) / (price * lost)
        print(f"  {better.side_px} px, quality {better.quality} {limit} down to {rate / 1e3:.0f} KB/s")
        limit = "from there"
    print(f"  {LADDER[-1].side_px} px, quality {LADDER[-1].quality} below")


def rows(costs: Iterable[Cost], names: Sequence[str], images: int) -> list[Row]:
    """The ladder as measured now, held to what its table says."""
    found: list[Row] = []
    for cost in costs:
        payload = cost.payload
        name = f"{payload.side_px} px, quality {payload.quality}"
        spread = statistics.stdev(cost.sizes_bytes) / cost.mean_bytes
        found.append(
            Row(
                name=f"{name}: bytes off the table's",
                value=abs(cost.mean_bytes / payload.expected_bytes - 1.0),
                unit="",
                bound=0.05,
                note=f"mean {cost.mean_bytes:.0f}, relative spread {spread:.2f}",
            )
        )
        for number, model in enumerate(names):
            low, high = wilson(cost.same[number], images)
            promised = number == 0 and payload == LADDER[0]
            found.append(
                Row(
                    name=f"{name}: same first label, {model}",
                    value=cost.same[number] / images,
                    unit="",
                    bound=0.97 if promised else None,
                    at_least=promised,
                    note=f"95 %: {low:.3f} to {high:.3f}"
                    + (f"; the table says {payload.agreement_frac}" if number == 0 else ""),
                )
            )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ladder", action="store_true", help="only the payloads that the SDK chooses from")
    options = parser.parse_args()
    photos = photographs()
    if not photos:
        print(f"no photographs in {SHARED}, so nothing is said of labels")
        return
    models = two_classifiers()
    names = [model.name for model in models]
    labelled = sum(photo.class_index is not None for photo in photos)
    ladder, right_here = measure(LADDER, photos, models)
    costs = list(ladder)
    if not options.ladder:
        rungs = {(payload.side_px, payload.quality) for payload in LADDER}
        others = [
            payloads_for(SPEC, side_px=side_px, quality=quality)[0]
            for side_px in SIDES_PX
            for quality in QUALITIES
            if (side_px, quality) not in rungs
        ]
        costs += measure(others, photos, models)[0]
    print(f"Without an upload right, of {labelled}: " + ", ".join(map("{} {}".format, names, right_here)))
    print_table(costs, names, len(photos), labelled)
    print_choices()
    publish("payload", rows(ladder, names, len(photos)))


if __name__ == "__main__":
    main()
