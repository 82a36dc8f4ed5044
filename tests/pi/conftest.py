from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.broker import Mosquitto
from tests.pi.cache import scratch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MEASURED = pytest.StashKey[list[str]]()

RESULTS = Path(__file__).parents[2] / "runs/pi"
"""What the rungs measured, a JSON file each; `tests.pi.page` makes the tables of docs/laboratory.md of them."""


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_MEASURED] = []


@pytest.fixture(scope="session")
def say(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Add a line to what is shown below all tests."""
    return pytestconfig.stash[_MEASURED].append


@pytest.fixture(scope="session")
def keep() -> Callable[[str, Any], None]:
    """Keep what a rung measured: ``keep("arm64", {...})``."""

    def write(name: str, figures: Any) -> None:
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / f"{name}.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")

    return write


@pytest.fixture(scope="module")
def broker() -> Iterator[Mosquitto]:
    """A broker of this host that keeps what a power cut must not lose."""
    with scratch() as work, Mosquitto(work, persistence=True) as it:
        yield it


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    if measured := config.stash[_MEASURED]:
        terminalreporter.section("measured")
        for line in measured:
            terminalreporter.write_line(line)
    if skipped:
        terminalreporter.section(f"NOT RUN: {len(skipped)} tests; the reasons are above", yellow=True, bold=True)
