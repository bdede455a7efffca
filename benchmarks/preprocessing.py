"""What decoding at reduced scale costs and gains: `python -m benchmarks.preprocessing`.

Times are of this machine now, CPU seconds of one thread, the variants taking turns; compare the ratios. The
figures on photographs need the shared test data beside the checkout.
"""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.photographs import SHARED, photographs, two_classifiers
from benchmarks.pictures import twelve_megapixel_jpeg
from benchmarks.sdk import reduced_by_hand
from offload_sdk.model import Classifier, InputSpec, open_picture
from offload_sdk.model.pixels import DRAFT_GAP, REDUCING_GAP, central_square

SPEC = InputSpec()
ROUNDS = 9


def full(encoded: bytes) -> Any:
    """Every pixel decoded, one bicubic resize: what the other ways are compared with."""
    image = Image.open(io.BytesIO(encoded))
    image.load()
    orientation = image.getexif().get(0x0112, 1)
    return np.asarray(central_square(image, SPEC.width, SPEC.height, SPEC.crop_frac, orientation, gap=1e9))[None]


def ours(encoded: bytes) -> Any:
    return open_picture(encoded, SPEC).tensor({})


def cpu_s(variants: dict[str, Callable[[], Any]]) -> dict[str, float]:
    taken: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(ROUNDS):
        for name, run in variants.items():
            started_s = time.process_time()
            run()
            taken[name].append(time.process_time() - started_s)
    return {name: statistics.median(values) for name, values in taken.items()}


def print_times() -> None:
    encoded = twelve_megapixel_jpeg()
    variants = {"full decode": full, "by hand": reduced_by_hand, "offload_sdk": ours}
    times = cpu_s({name: lambda run=run: run(encoded) for name, run in variants.items()})
    print(f"JPEG of 12 megapixels, {len(encoded) / 1e6:.1f} MB, to {SPEC.width} x {SPEC.height} pixels")
    for name, median_s in times.items():
        print(f"  {name:12} {median_s * 1e3:6.1f} ms, full decode / this = {times['full decode'] / median_s:.2f}")
    print(f"  offload_sdk / by hand = {times['offload_sdk'] / times['by hand']:.2f}")


def print_agreement(classifiers: list[Classifier], paths: list[Path], title: str) -> None:
    differences = []
    same = dict.fromkeys((c.name for c in classifiers), 0)
    for path in paths:
        encoded = path.read_bytes()
        exact, tensor = full(encoded), ours(encoded)
        differences.append(float(np.abs(exact.astype(int) - tensor).mean()))
        for classifier in classifiers:
            same[classifier.name] += int(classifier.infer(exact).argmax() == classifier.infer(tensor).argmax())
    print(
        f"{title}: {len(paths)} photographs, reduced decoding (gaps {DRAFT_GAP}, {REDUCING_GAP}): mean difference "
        f"of a value, of 255: {statistics.mean(differences):.3f}, worst photograph {max(differences):.2f}"
    )
    for name, count in same.items():
        print(f"  {name}: same first label as with full decoding {count} of {len(paths)}")


def main() -> None:
    print_times()
    photos = photographs()
    if not photos:
        print(f"no photographs in {SHARED}, so nothing is said of labels")
        return
    classifiers = two_classifiers()
    samples = [photo.path for photo in photos if photo.class_index is not None]
    camera = [photo.path for photo in photos if photo.class_index is None]
    print_agreement(classifiers, samples, "ImageNet samples")
    print_agreement(classifiers, camera, "Camera photographs")


if __name__ == "__main__":
    main()
