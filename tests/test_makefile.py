"""The commands that make runs."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def planned(*arguments: str) -> list[list[str]]:
    """Return the words of each command that make would run."""
    make, environ = ["make", "--dry-run", *arguments], {"PATH": os.environ["PATH"]}
    listed = subprocess.run(make, capture_output=True, text=True, check=True, cwd=ROOT, env=environ).stdout
    return [
        shlex.split(line) for line in listed.replace("\\\n", "").splitlines() if "python -m " in line or "clip" in line
    ]


@pytest.mark.skipif(shutil.which("make") is None, reason="make is missing")
def test_paths_may_have_blanks() -> None:
    stick = "DATA=/media/pi/NO NAME"
    (train,) = planned("train", stick, "RECIPE=my recipe.toml")
    data = ["--fer2013", "/media/pi/NO NAME/fer2013.tar.gz", "--ferplus", "/media/pi/NO NAME/fer2013new.csv"]
    assert train[2:] == ["train", "fit", "my recipe.toml", *data, "--resume"]
    (convert,) = planned("convert", stick, "MODEL=/home/a b/c d.e.keras")
    assert convert[2:] == ["convert", "/home/a b/c d.e.keras", "--out", "runs/bundles/c d.e", *data]
    for commands in (planned("bench-clips", stick), planned("bench-clips", "CLIPS='/media/pi/NO NAME'/clips/*")):
        assert [words[2:8] for words in commands if "do" in words] == [
            ["nullglob;", "for", "clip", "in", "/media/pi/NO NAME/clips/*;", "do"]
        ]


@pytest.mark.skipif(shutil.which("make") is None, reason="make is missing")
def test_of_a_half_written_run_nothing_is_converted(tmp_path: Path) -> None:
    """Reports are written before all models: one without its model is of a run that was ended."""

    def convert() -> str:
        command = ["make", "--dry-run", "convert", "RECIPE=train/recipes/emotion-tiny.toml", f"RUN={tmp_path}"]
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout

    def refused() -> str:
        checks = [line for line in convert().splitlines() if line.startswith("test -n")]
        done = subprocess.run(["sh", "-ec", "\n".join(checks)], capture_output=True, text=True, check=False, cwd=ROOT)
        return done.stderr if done.returncode else ""

    for name in ("emotion-tiny", "emotion-tiny-fer2013"):
        assert "train restore" in convert()
        (tmp_path / f"{name}.json").touch()
    (tmp_path / "emotion-tiny.keras").touch()
    assert "train restore" in convert()
    assert not refused()
    (tmp_path / "log.csv").touch()
    assert refused() == f"{tmp_path}: this training is not finished; 'make train' goes on with it\n"
    (tmp_path / "emotion-tiny-fer2013.keras").touch()
    assert "train restore" not in convert()
    assert not refused()


TRAINS = """#!/bin/sh
[ "$3" != fit ] || for end in log.csv emotion-tiny.json emotion-tiny.keras; do : >"$RUN/$end"; done
echo "$2 $3"
"""


@pytest.mark.skipif(shutil.which("make") is None, reason="make is missing")
def test_what_was_trained_in_the_same_call_is_converted(tmp_path: Path) -> None:
    """At its start nothing is there that make could find."""
    python = tmp_path / "venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(TRAINS)
    python.chmod(0o755)
    ready = tmp_path / "venv/.dev"
    ready.touch()
    command = ["make", "--silent", f"--old-file={ready}", "train", "convert", "RECIPE=train/recipes/emotion-tiny.toml"]
    places = [f"VENV={tmp_path}/venv", f"RUN={tmp_path}", f"INTO={tmp_path}"]
    environ = {"PATH": os.environ["PATH"], "RUN": str(tmp_path)}
    done = subprocess.run([*command, *places], capture_output=True, text=True, check=False, cwd=ROOT, env=environ)
    model = f"{tmp_path}/emotion-tiny.keras"
    assert (done.stdout.splitlines(), done.stderr) == (["train fit", f"convert {model}"], "")


@pytest.mark.skipif(shutil.which("make") is None, reason="make is missing")
def test_the_name_of_a_folder_has_no_ending(tmp_path: Path) -> None:
    (tmp_path / "fer-1.2").mkdir()
    (convert,) = planned("convert", f"MODEL={tmp_path}/fer-1.2")
    assert convert[4:6] == ["--out", "runs/bundles/fer-1.2"]
