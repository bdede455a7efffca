"""What the demonstration shows while it runs: a line per image, and on a terminal colours and a bar below.

Decides and measures nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from offload_sdk.cli.demo.course import Phase

__all__ = ["Row", "Screen", "why"]

_HEADINGS = (
    ("", "", "", "", "took", "predicted", "", ""),
    ("s", "photo", "path", "label", "ms", "local", "remote", "why"),
)
_STYLE = {"local": "bold blue", "remote": "bold dark_orange"}
_Cells = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One image: when, which photograph, and the answer as `Classification.to_dict` gives it (None: no answer)."""

    at_s: float
    photo: str
    answer: dict[str, Any] | None
    error: str = ""

    def cells(self) -> _Cells:
        at = f"{self.at_s:.1f}"
        if self.answer is None:
            return at, self.photo, "none", "-", "-", "-", "-", self.error
        predicted = self.answer["decision"]["predicted"]
        return (
            at,
            self.photo,
            self.answer["path"],
            self.answer["labels"][0]["name"],
            f"{1e3 * self.answer['latency_s']:.0f}",
            *(f"{1e3 * predicted[option]['latency_mean_s']:.0f}" for option in ("local", "remote")),
            why(self.answer),
        )


def why(answer: dict[str, Any]) -> str:
    """Return the decision's reason in a few words, from its own numbers."""
    decision = answer["decision"]
    predicted, chosen = decision["predicted"], decision["chosen"]
    if answer["fallback"]:
        return "fallback: no answer"
    _, barred, out = decision["reason"].partition(" is out: ")
    if barred:
        return f"server is out ({out.partition(',')[0].partition(':')[0]})"
    best = min((name for name in predicted if name != chosen), key=lambda name: predicted[name]["latency_mean_s"])
    ratio = predicted[best]["latency_mean_s"] / predicted[chosen]["latency_mean_s"]
    if ratio >= 1.05:
        return f"{ratio:.1f}× faster"
    failure = predicted[chosen]["success_probability"] - predicted[best]["success_probability"]
    if failure >= 0.01:
        return f"{best} may fail ({failure:.0%})"
    reason: str = decision["reason"]
    return "about equal" if ratio > 0.95 else reason.partition(":")[0]


class Screen:
    """Prints to a rich console; without a terminal, plain lines and no control characters."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.counts: Counter[str] = Counter()

    def say(self, text: str, style: str = "") -> None:
        """Print one line of prose, wrapped on a terminal."""
        self.console.print(
            text, style=style, highlight=False, markup=False, soft_wrap=not self.console.is_terminal
        )

    @contextmanager
    def progress(self, title: str) -> Iterator[Callable[[str, float], None]]:
        """Give `tell(step, share done 0..1)`: a bar on a terminal, nothing in a pipe."""
        if not self.console.is_terminal:
            yield lambda step, frac: None
            return
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

        columns = (TextColumn("  {task.description:<32}"), BarColumn(), TaskProgressColumn())
        with Progress(*columns, console=self.console, transient=True) as bar:
            task = bar.add_task(title, total=1.0)
            yield lambda step, frac: bar.update(task, description=step, completed=frac)

    @contextmanager
    def table(self, seconds: float) -> Iterator[Callable[[Row], None]]:
        """Print the headings; give what prints a row. On a terminal a bar shows how far it is."""
        self.say("")
        for cells in _HEADINGS:
            self._line(cells, "dim")
        if not self.console.is_terminal:
            yield self._row
            return
        from rich.progress import BarColumn, Progress, TextColumn

        with Progress(
            TextColumn("{task.fields[at]}"), BarColumn(), TextColumn("{task.fields[counts]}"),
            console=self.console, transient=True,
        ) as bar:  # fmt: skip
            task = bar.add_task("", total=seconds, at="", counts="")

            def show(row: Row) -> None:
                self._row(row)
                counts = "  ".join(f"{path} {count}" for path, count in sorted(self.counts.items()))
                bar.update(task, completed=row.at_s, at=f"{row.at_s:3.0f} of {seconds:.0f} s", counts=counts)

            yield show

    def phase(self, phase: Phase) -> None:
        """Print a line that separates what came over another link."""
        if self.console.is_terminal:
            self.console.rule(f"[bold]{phase.title}", align="left", style="red" if phase.dead else "green")
        else:
            self.say(f"-- {phase.title}")

    def _row(self, row: Row) -> None:
        path = "none" if row.answer is None else row.answer["path"]
        self.counts[path] += 1
        if row.answer is not None and row.answer["fallback"]:
            self.counts["fallback"] += 1
        self._line(row.cells(), _STYLE.get(path, "bold red"))

    def _line(self, cells: _Cells, style: str) -> None:
        from rich.text import Text

        at, photo, path, label, took, local, remote, reason = cells
        text = Text.assemble(
            f"{at:>5}  {photo:<10}  ",
            (f"{path:<6}  ", style),
            f"{label:<13.13}  ",
            (f"{took:>5}  ", "bold"),
            (f"{local:>9} ", "bold blue" if path == "local" else "dim"),
            (f"{remote:>6}   ", "bold dark_orange" if path == "remote" else "dim"),
            (reason, style if path not in _STYLE else ""),
        )
        if self.console.is_terminal:
            self.console.print(text, no_wrap=True, overflow="ellipsis", crop=True, highlight=False)
        else:
            text.rstrip()
            self.console.print(text, soft_wrap=True, highlight=False)
