"""TensorFlow is told how to run before it is loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

_SEEN_BY_KERAS = """
import os, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "keras":
            print(os.environ["TF_ENABLE_ONEDNN_OPTS"])
            raise SystemExit

sys.meta_path.insert(0, Finder())
import train.tensorflow_settings
"""


@pytest.mark.parametrize(("given", "seen"), [({}, "1"), ({"TF_ENABLE_ONEDNN_OPTS": "0"}, "0")])
def test_onednn_multiplies_on_every_processor_unless_the_user_says_otherwise(given: dict[str, str], seen: str) -> None:
    environment = {"PATH": "/usr/bin:/bin", **given}
    ran = subprocess.run(  # our own program
        [sys.executable, "-c", _SEEN_BY_KERAS], env=environment, capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == [seen]
