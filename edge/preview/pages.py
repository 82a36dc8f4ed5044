"""The files of the page, which are all that there is to fetch, and the headers that go with every answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent / "page"

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

HEADERS = {
    # Nothing from elsewhere is loaded, nothing is sent elsewhere, and no other page may frame this one.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class PageFile:
    """A file of the page."""

    content_type: str
    content: bytes


def page_files() -> dict[str, PageFile]:
    """Return each file of the page by its path in an address; no other path leads to a file."""
    files = {
        f"/{file.name}": PageFile(_TYPES[file.suffix], file.read_bytes())
        for file in _FOLDER.iterdir()
        if file.suffix in _TYPES
    }
    files["/"] = files.pop("/index.html")
    return files
