"""Seeded random cases: the same ones in every `make test`, others in each round of `make test-fuzz`.

FUZZ_SEED (0) names the round, FUZZ_CASE one case of it, to try that one again.
"""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


class Fuzz:
    """The random cases of one test.

    Example:
        >>> def test_parser(fuzz: Fuzz) -> None:
        ...     for case in fuzz.cases(300):
        ...         parse(case.randbytes(10))
    """

    def __init__(self, test: str) -> None:
        self._test = test
        self._seed = os.environ.get("FUZZ_SEED", "0")
        self._only = os.environ.get("FUZZ_CASE")
        self.case = -1
        """The number of the case that runs, or ran last."""

    def cases(self, count: int) -> Iterator[random.Random]:
        """Yield a source of randomness for each case: always the same for a test, a round and a number."""
        for number in [int(self._only)] if self._only else range(count):
            self.case = number
            yield random.Random(f"{self._test} {self._seed} {number}")  # noqa: S311  # no cryptography

    @property
    def again(self) -> str:
        """The command that runs the last case again."""
        return f"FUZZ_SEED={self._seed} FUZZ_CASE={self.case} pytest '{self._test}'"


@pytest.fixture
def fuzz(request: pytest.FixtureRequest) -> Iterator[Fuzz]:
    it = Fuzz(request.node.nodeid)
    yield it
    print(it.again)  # noqa: T201  # shown where the test fails
