"""The rules of docs/architecture.md that a program can check."""

from __future__ import annotations

import ast
import subprocess
from collections import Counter
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]

LAYERS = (
    ("console", "errors", "files", "logs", "geometry", "frame", "frozen", "palette", "redaction", "streams", "text"),
    ("system",),
    ("wire",),
    ("config",),
    ("inference",),
    ("vision",),
    ("testcard",),
    ("camera",),
    ("pipeline",),
    ("mqtt", "hooks", "preview", "summary"),
    ("daemon",),
    ("photo", "doctor", "bench", "watch"),
    ("cli",),
)
"""The packages of `edge`, bottom to top: a package imports from its own layer and from below."""

LAYER = {package: layer for layer, packages in enumerate(LAYERS) for package in packages}

MAY_IMPORT = {"edge": {"edge"}, "train": {"edge", "train"}, "convert": {"edge", "train", "convert"}}

LONGEST_FILE = 250


def product() -> list[Path]:
    """Return the product's Python files."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return [
        REPOSITORY / name for name in listed if name.partition("/")[0] in MAY_IMPORT and (REPOSITORY / name).exists()
    ]


FILES = product()
TREES = {file: ast.parse(file.read_text("utf-8")) for file in FILES}


def module(file: Path) -> tuple[str, ...]:
    """Return a file's dotted name in parts."""
    parts = file.relative_to(REPOSITORY).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


def imports(file: Path) -> set[tuple[str, ...]]:
    """Return the dotted names that a file imports, within the product."""
    found = set()
    for node in ast.walk(TREES[file]):
        if isinstance(node, ast.ImportFrom) and node.module:
            parts = tuple(node.module.split("."))
            # `from edge import notify` imports a module, `from edge import __version__` none.
            found |= {(*parts, alias.name) if len(parts) == 1 else parts for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {tuple(alias.name.split(".")) for alias in node.names}
    return {name for name in found if name[0] in MAY_IMPORT}


def test_programs_import_in_one_direction() -> None:
    wrong = {
        f"{file.relative_to(REPOSITORY)} imports {'.'.join(name)}"
        for file in FILES
        for name in imports(file)
        if name[0] not in MAY_IMPORT[module(file)[0]]
    }
    assert not wrong


def test_every_package_has_its_layer() -> None:
    packages = {module(file)[1] for file in FILES if module(file)[0] == "edge" and len(module(file)) > 1}
    assert packages == LAYER.keys()


def test_packages_import_only_from_their_layer_and_below() -> None:
    wrong = set()
    for file in FILES:
        own = module(file)
        if own[0] != "edge" or len(own) == 1:
            continue
        for name in imports(file):
            if name[0] == "edge" and len(name) > 1 and LAYER.get(name[1], -1) > LAYER[own[1]]:
                wrong.add(f"{'.'.join(own)} imports {'.'.join(name)}")
    assert not wrong


def test_packages_of_one_layer_do_not_import_in_a_circle() -> None:
    arrows = {
        (module(file)[1], name[1])
        for file in FILES
        if module(file)[0] == "edge" and len(module(file)) > 1
        for name in imports(file)
        if name[0] == "edge" and len(name) > 1 and name[1] in LAYER and name[1] != module(file)[1]
    }
    assert not {(one, other) for one, other in arrows if (other, one) in arrows}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(REPOSITORY)))
def test_no_file_is_too_long(file: Path) -> None:
    lines = len(file.read_text("utf-8").splitlines())
    assert lines <= LONGEST_FILE


def test_no_class_name_is_used_twice() -> None:
    names = Counter(
        node.name.lstrip("_") for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
    )
    assert {name: count for name, count in names.items() if count > 1} == {}


def test_no_docstring_gives() -> None:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    giving = {
        f"{file.relative_to(REPOSITORY)}: {text.splitlines()[0]}"
        for file, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, documented) and (text := ast.get_docstring(node)) and text.startswith(("Give ", "Gives "))
    }
    assert not giving


def test_every_logger_has_the_same_name() -> None:
    names = {
        f"{file.relative_to(REPOSITORY)}: {ast.unparse(node.targets[0])}"
        for file, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and ast.unparse(node.value) == "logging.getLogger(__name__)"
    }
    assert names
    assert {name for name in names if not name.endswith(": log")} == set()
