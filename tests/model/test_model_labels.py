from __future__ import annotations

from pathlib import Path

import pytest

from offload_sdk.model import imagenet_names

# Where our name is not the beginning of the published label, and why.
EXCEPTIONS = {517: "crane (machine)", 639: "tank suit"}


@pytest.mark.light
def test_there_are_a_thousand_different_names() -> None:
    names = imagenet_names()
    assert len(names) == len(set(names)) == 1000
    assert all(name == name.strip() and name for name in names)


@pytest.mark.light
@pytest.mark.parametrize(
    ("index", "name"),
    [
        (0, "tench"),
        (20, "water ouzel"),
        (134, "crane"),
        (264, "Cardigan"),
        (474, "cardigan"),
        (517, "crane (machine)"),
        (638, "maillot"),
        (639, "tank suit"),
        (967, "espresso"),
        (999, "toilet tissue"),
    ],
)
def test_names_of_known_classes(index: int, name: str) -> None:
    assert imagenet_names()[index] == name


def test_published_labels_begin_with_our_names(labelled: list[tuple[Path, int, str]]) -> None:
    for _, index, label in labelled:
        assert label.startswith(imagenet_names()[index])


def test_names_agree_with_the_label_file_of_another_model(shared_data: Path) -> None:
    lines = (shared_data / "models" / "labels_1001.txt").read_text(encoding="utf-8").splitlines()[1:1001]
    published = [line.partition(":")[2] for line in lines]
    ours = imagenet_names()
    differing = {i: ours[i] for i in range(1000) if not published[i].startswith(ours[i])}
    assert differing == EXCEPTIONS
