"""What the log of the demonstration says at its end: the table, the picture, and whether the labels are right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offload_sdk._types import Label, Record
    from offload_sdk.cli.demo.course import Phase
    from offload_sdk.cli.demo.photos import Photo

__all__ = ["Verdict", "draw", "judge"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Counts over all images: answered, of a right label; and the images that both paths ran, and agreed on."""

    images: int
    answered: int
    right: int
    both: int
    agreed: int

    @property
    def good(self) -> bool:
        return 0 < self.images == self.answered == self.right


def judge(asked: int, records: Sequence[Record], photos: Sequence[Photo]) -> Verdict:
    """Compare every label in the log, of answers and of shadow runs, with what is on the photographs."""
    classes: Mapping[str, frozenset[int]] = {str(photo.path): photo.classes for photo in photos}
    answered = right = both = agreed = 0
    for record in records:
        if not record.labels:
            continue
        answered += 1
        runs = [outcome.labels for outcome in record.outcomes if outcome.labels]
        right += all(_shows(labels, classes[record.source or ""]) for labels in (record.labels, *runs))
        if len(runs) > 1:
            both += 1
            agreed += len({labels[0].index for labels in runs}) == 1
    return Verdict(images=asked, answered=answered, right=right, both=both, agreed=agreed)


def draw(records: Sequence[Record], phases: Sequence[Phase], path: Path) -> None:
    """Write the picture, with what the link was like when."""
    from offload_sdk.report.chart import decisions

    decisions(records, path, phases=[(phase.start_s, phase.name) for phase in phases])


def _shows(labels: Sequence[Label], classes: frozenset[int]) -> bool:
    return any(label.index in classes for label in labels[:3])
