"""Ctrl+C while the command line loads, which takes seconds on a small Pi."""

from __future__ import annotations

import signal

from tests.ctrl_c import interrupt

_PROGRAM = "edge.cli.start"


def test_ctrl_c_ends_the_loading_without_a_traceback() -> None:
    ran = interrupt(_PROGRAM, "typer")
    assert (ran.returncode, ran.stdout, ran.stderr) == (-signal.SIGINT, "", "")


def test_ctrl_c_ends_the_command_in_good_order() -> None:
    ran = interrupt(_PROGRAM, "edge.doctor", "doctor")
    assert (ran.returncode, ran.stdout, "Traceback" in ran.stderr) == (130, "", False)


def test_ctrl_c_that_the_caller_ignores_stays_ignored() -> None:
    ran = interrupt(_PROGRAM, "typer", "--version", handler="SIG_IGN")
    assert (ran.returncode, ran.stdout.startswith("emotion-edge ")) == (0, True)
