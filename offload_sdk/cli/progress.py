"""A progress bar on a terminal, nothing in a pipe. Loads rich only for a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["progress_bar"]

Tell = Callable[[str, float], None]


@contextmanager
def progress_bar(title: str) -> Iterator[Tell]:
    """Yield `tell(step, share done 0..1)`. The bar is on stderr, so that stdout stays what the command prints."""
    if not sys.stderr.isatty():
        yield lambda step, frac: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(escape(title), total=1.0)
        yield lambda step, frac: bar.update(task, description=escape(step or title), completed=frac)
