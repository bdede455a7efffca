"""The stylesheet of the pages. Knows nothing of what they say."""

from __future__ import annotations

from importlib import resources

__all__ = ["style"]


def style() -> str:
    """Return the CSS to put into a page."""
    return resources.files("offload_sdk.report").joinpath("page.css").read_text("utf-8")
