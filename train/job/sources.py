"""The source files that a job needs: those of this project that its program imports."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).parents[2]

_OWN = ("edge", "train")


@dataclass(frozen=True)
class Sources:
    """Files, and what they import besides each other."""

    files: frozenset[str]
    """Paths relative to the repository."""

    foreign: frozenset[str]
    """Top-level names of other packages and of Python's own."""


def needed_by(module: str) -> Sources:
    """Return what a module imports, and what that imports; not what only type checkers import."""
    files: set[str] = set()
    foreign: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name.partition(".")[0] not in _OWN:
            foreign.add(name.partition(".")[0])
            continue
        path = _file(name)
        if path is None or path in files:
            continue
        files.add(path)
        waiting += _imported((REPOSITORY / path).read_text("utf-8"))
        if "." in name:
            waiting.append(name.rpartition(".")[0])  # its package is imported too
    return Sources(frozenset(files), frozenset(foreign))


def _file(name: str) -> str | None:
    """Return the path of a module, or None if the name is of something within one."""
    base = name.replace(".", "/")
    return next((path for path in (f"{base}.py", f"{base}/__init__.py") if (REPOSITORY / path).is_file()), None)


def _imported(source: str) -> Iterator[str]:
    for node in _run(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _run(node: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes but those behind ``if TYPE_CHECKING``."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield from _run(child)
