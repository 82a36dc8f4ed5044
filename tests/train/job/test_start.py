from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from train.job import start

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_without_keras_and_wheels_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(start, "HERE", tmp_path)
    monkeypatch.setattr(start, "_has", lambda module: module != "keras")
    assert start.main() == 2
    assert capsys.readouterr().err.endswith(f"{sys.executable} -m pip install keras\n")
