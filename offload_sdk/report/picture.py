"""What all pictures share: matplotlib on demand, colours, and the way into a file or a page. Draws nothing itself.

Needs matplotlib (the extra `report`), used without its global state. The colours are those of Okabe and Ito,
which people with any colour vision tell apart; line styles and markers say the same once more.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from offload_sdk.errors import ConfigurationError, OffloadError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["CLOUD_COLOURS", "INK", "LINES", "LOCAL_COLOUR", "MARKERS", "blank", "inline", "save"]

INK = "#1b1f24"
LOCAL_COLOUR = "#0072B2"
CLOUD_COLOURS = ("#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P")
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)))
_STYLE: dict[Any, Any] = {
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.sans-serif": ["DejaVu Sans"],
    "hatch.linewidth": 0.8,
    "legend.frameon": False,
    "svg.fonttype": "none",  # text stays text: it can be searched, and is a tenth of the bytes
    "svg.hashsalt": "offload-sdk",  # the same picture is the same file
    "text.parse_math": False,  # a name may hold dollars
}
_SVG = "{http://www.w3.org/2000/svg}"
_XLINK = "{http://www.w3.org/1999/xlink}href"


@contextmanager
def blank(width_in: float, height_in: float) -> Iterator[Figure]:
    """Give an empty figure to draw on; what is drawn inside the block has the house's style.

    Raises `ConfigurationError` without matplotlib.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ConfigurationError("pictures need matplotlib: pip install 'offload-sdk[report]'") from None
    with _house_style():
        figure = Figure(figsize=(width_in, height_in), layout="constrained")
        yield figure
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # it is laid out now, and need not be for each format again


def save(figure: Figure, path: Path) -> None:
    """Write the picture to `path`, in the format of its suffix (`.png`, `.svg`, `.pdf`).

    Raises `ConfigurationError` for another suffix, `OffloadError` when the file cannot be written.
    """
    kind = path.suffix.lower().lstrip(".")
    if kind not in ("png", "svg", "pdf"):
        raise ConfigurationError(f"{path} must end in .png, .svg or .pdf")
    content = _rendered(figure, kind, transparent=False)
    try:
        path.write_bytes(content)
    except OSError as error:
        raise OffloadError(f"the picture {path} cannot be written: {error.strerror}") from None


def inline(figure: Figure, name: str) -> str:
    """Return the picture as an `<svg>` element to put into a page, in which `name` is unique.

    It has no background and takes the text colour of the page, so that it reads in light and dark. It is hidden
    from screen readers, whose text the page must give.
    """
    root = ElementTree.fromstring(_rendered(figure, "svg", transparent=True))  # noqa: S314 (our own text)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        for key, value in list(element.attrib.items()):
            if key == "id":
                element.set(key, f"{name}-{value}")
            elif key == _XLINK:  # a page knows no prefixes but xlink, and needs none
                element.set("href", element.attrib.pop(key).replace("#", f"#{name}-"))
            else:
                element.set(key, value.replace("url(#", f"url(#{name}-").replace(INK, "currentColor"))
    for extra in ("metadata", "defs"):  # the first defs hold only styles that a page would take for its own
        found = root.find(extra)
        if found is not None and (extra == "metadata" or found.find("style") is not None):
            root.remove(found)
    root.set("aria-hidden", "true")
    root.set("focusable", "false")
    return ElementTree.tostring(root, encoding="unicode")


def _rendered(figure: Figure, kind: str, *, transparent: bool) -> bytes:
    stream = BytesIO()
    metadata = {"Date": None} if kind == "svg" else None
    with _house_style():
        figure.savefig(stream, format=kind, dpi=150, transparent=transparent, metadata=metadata)
    return stream.getvalue()


@contextmanager
def _house_style() -> Iterator[None]:
    from matplotlib import rc_context

    with rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # names may be in any script
        yield
