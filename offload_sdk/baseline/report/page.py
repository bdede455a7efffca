"""From sections to one page that needs nothing else: no script, no address, styles and pictures inside.

Whatever is not a picture of ours is escaped by Jinja2. Needs jinja2 (the extra `report`). Chooses no content.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from typing import TYPE_CHECKING

from offload_sdk._version import __version__
from offload_sdk.baseline.report.findings import Finding
from offload_sdk.baseline.report.section import Section
from offload_sdk.errors import ConfigurationError
from offload_sdk.report.picture import inline
from offload_sdk.report.style import style

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.figure import Figure

__all__ = ["page"]


def page(title: str, facts: str, findings: Sequence[Finding], sections: Sequence[Section]) -> str:
    """Return the whole page. Raises `ConfigurationError` without jinja2."""
    try:
        from jinja2 import Environment, StrictUndefined
        from markupsafe import Markup
    except ImportError:
        raise ConfigurationError("the report needs jinja2: pip install 'offload-sdk[report]'") from None

    def inlined(figure: Figure, name: str) -> Markup:
        return Markup(inline(figure, name))  # noqa: S704 (written by matplotlib, which escapes all text)

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["inline"] = inlined
    template = resources.files("offload_sdk.baseline.report").joinpath("page.html").read_text("utf-8")
    return environment.from_string(template).render(
        title=title,
        facts=facts,
        findings=findings,
        sections=sections,
        style=Markup(style()),  # noqa: S704 (our own file)
        version=__version__,
    )
