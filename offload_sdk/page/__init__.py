"""The web page: its files, for whoever serves them, the device and the server alike. No server here.

Plain HTML, CSS and JavaScript under `static/`. The page asks `about.json` beside it who serves it, and how a
picture is to be sent there.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["FOLDER", "page_headers"]

FOLDER = Path(__file__).with_name("static")


def page_headers(*, connect: str = "'self'") -> dict[str, str]:
    """Return the headers that each of the page's files is to carry.

    `connect` are the sources (of a Content-Security-Policy) to which the page may send a picture.
    """
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        f"connect-src {connect}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-cache",  # a new version is seen at once; unchanged files cost a 304
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
