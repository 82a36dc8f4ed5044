"""The pages of the documentation, and what stands between their fences."""

from __future__ import annotations

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
DOCS, EXAMPLES = REPOSITORY / "docs", REPOSITORY / "examples"
PAGES = [*DOCS.rglob("*.md"), *REPOSITORY.glob("*.md")]


def blocks(kind: str, text: str) -> list[tuple[str, str]]:
    """Return what follows a fence's language, and its content."""
    return re.findall(rf"^```{kind} ?(.*)\n((?:.*\n)*?)```$", text, re.MULTILINE)


PAYLOAD_EXAMPLES = [(page.name, name, text) for page in PAGES for name, text in blocks("json", page.read_text("utf-8"))]
