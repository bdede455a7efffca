"""What decoding at reduced scale and the payload's coding cost and gain: `python -m benchmarks.preprocessing`.

Times are of this machine now, CPU seconds of one thread, the variants taking turns; compare the ratios. The
figures on photographs need the shared test data beside the checkout.
"""

from __future__ import annotations

import csv
import io
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.pictures import twelve_megapixel_jpeg
from benchmarks.sdk import reduced_by_hand
from offload_sdk.model import Classifier, InputSpec, PayloadOptions, open_picture, resolve
from offload_sdk.model.pixels import DRAFT_GAP, REDUCING_GAP, central_square

SPEC = InputSpec()
ROUNDS = 9
SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


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
    differences, sizes, payload_differences = [], [], []
    decoded = dict.fromkeys((c.name for c in classifiers), 0)
    uploaded = dict(decoded)
    for path in paths:
        encoded = path.read_bytes()
        exact, tensor = full(encoded), ours(encoded)
        payload, _ = open_picture(encoded, SPEC).payload({})
        there = ours(payload)
        differences.append(float(np.abs(exact.astype(int) - tensor).mean()))
        payload_differences.append(float(np.abs(there.astype(int) - tensor).mean()))
        sizes.append(len(payload))
        for classifier in classifiers:
            here = classifier.infer(tensor).argmax()
            decoded[classifier.name] += int(classifier.infer(exact).argmax() == here)
            uploaded[classifier.name] += int(classifier.infer(there).argmax() == here)
    print(f"{title}: {len(paths)} photographs")
    print(
        f"  reduced decoding (gaps {DRAFT_GAP}, {REDUCING_GAP}): mean difference of a value, of 255: "
        f"{statistics.mean(differences):.3f}, worst photograph {max(differences):.2f}"
    )
    print(
        f"  payload (quality {PayloadOptions().quality}): mean {statistics.mean(sizes) / 1e3:.1f} KB, "
        f"median {statistics.median(sizes) / 1e3:.1f}, largest {max(sizes) / 1e3:.1f}; "
        f"mean difference {statistics.mean(payload_differences):.2f}"
    )
    for name in decoded:
        print(
            f"  {name}: same first label with full decoding {decoded[name]} of {len(paths)}, "
            f"after the upload {uploaded[name]}"
        )


def print_quality(classifier: Classifier, paths: list[Path], classes: dict[str, int]) -> None:
    pictures = [path.read_bytes() for path in paths]
    true = [classes.get(path.name) for path in paths]
    here = [int(classifier.infer(ours(encoded)).argmax()) for encoded in pictures]
    print(f"Payload quality, {classifier.name}: KB; same label as here, of {len(paths)}; right, of {len(classes)}")
    print(f"  not sent: {sum(a == b for a, b in zip(here, true, strict=True))} right")
    for quality in (50, 70, 80, 85, 90, 94, 96):
        options = PayloadOptions(quality=quality)
        payloads = [open_picture(encoded, SPEC, payload=options).payload({})[0] for encoded in pictures]
        there = [int(classifier.infer(ours(payload)).argmax()) for payload in payloads]
        same, right = (sum(a == b for a, b in zip(there, other, strict=True)) for other in (here, true))
        print(f"  {quality}: {statistics.mean(map(len, payloads)) / 1e3:5.1f} KB, {same}, {right}")


def main() -> None:
    print_times()
    if not SHARED.is_dir():
        print(f"no photographs in {SHARED}, so nothing is said of labels")
        return
    labelled = sorted((SHARED / "images" / "labelled").glob("*.JPEG"))
    camera = sorted((SHARED / "images" / "camera").iterdir())
    with tempfile.TemporaryDirectory() as folder:
        names = ("efficientnet_lite0", str(next((SHARED / "models").glob("*.tflite"))))
        classifiers = [Classifier(resolve(name, Path(folder))) for name in names]
        print_agreement(classifiers, labelled, "ImageNet samples")
        print_agreement(classifiers, camera, "Camera photographs")
        with (SHARED / "images" / "labelled" / "labels.csv").open(newline="", encoding="utf-8") as stream:
            classes = {row["file"]: int(row["class_index"]) for row in csv.DictReader(stream)}
        print_quality(classifiers[0], labelled + camera, classes)


if __name__ == "__main__":
    main()
