"""Classify every picture in a folder: python examples/classify_folder.py FOLDER

Uses the settings of offload-sdk: set OFFLOAD_SERVER_URL, and a server takes those images for which it is faster.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from offload_sdk import InvalidImageError, classify

PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif"}


def main(folder: Path) -> int:
    paths: Counter[str] = Counter()
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() not in PICTURES:
            continue
        try:
            result = classify(file)
        except InvalidImageError as error:
            print(f"{file.name}: skipped, {error}", file=sys.stderr)
            continue
        best = result.labels[0]
        paths[result.path] += 1
        print(
            f"{file.name}: {best.name} ({best.probability:.0%}), {result.path} in {result.latency_s * 1e3:.0f} ms"
        )
    print(f"{paths.total()} images: {paths['local']} here, {paths['remote']} on the server", file=sys.stderr)
    return 0 if paths else 1


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit("usage: python examples/classify_folder.py FOLDER")
    sys.exit(main(Path(sys.argv[1])))
