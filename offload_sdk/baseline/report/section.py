"""What a page is made of: sections of text, tables and figures. Data only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload_sdk.baseline.report.tables import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Drawing", "Section"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """`name` is that of its files, without a suffix. `alt` says what the picture shows to who cannot see it."""

    name: str
    title: str
    caption: str
    alt: str
    figure: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """`anchor` is its place in the page. Tables come before drawings, `notes` last and in small print."""

    anchor: str
    title: str
    text: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    drawings: tuple[Drawing, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.text or self.tables or self.drawings)
