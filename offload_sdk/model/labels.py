"""The names of the 1,000 ImageNet classes, and nothing about any model.

`imagenet_names.txt` holds one name a line in ImageNet-1k order (the WordNet ids sorted as text). A name is the
first lemma of the class's WordNet 3.0 synset; the ids and their lemmas were taken from the tables in the PyPI
package `timm` (Apache-2.0). Two classes would share a name with another one, so they carry a longer one:
517 is `crane (machine)` (134 is the bird, `crane`) and 639 is `tank suit`, its synset's second lemma (638 is
`maillot`). `Cardigan` (264, a dog) and `cardigan` (474, a jacket) differ by their capital only, as in WordNet.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

__all__ = ["IMAGENET_CLASSES", "imagenet_names"]

IMAGENET_CLASSES = 1000


@cache
def imagenet_names() -> tuple[str, ...]:
    """The names, index 0..999, unique."""
    text = (files("offload_sdk.model") / "imagenet_names.txt").read_text(encoding="utf-8")
    names = tuple(text.split("\n")[:-1])
    assert len(names) == IMAGENET_CLASSES
    return names
