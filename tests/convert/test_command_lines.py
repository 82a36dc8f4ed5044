"""The command lines of convert and train: their help, and the files that they are to write."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from convert.__main__ import main as convert_main
from convert.commands import app as convert
from tests.ctrl_c import interrupt
from tests.help_pages import check_help, help_pages
from tests.train.synthetic import call
from train.__main__ import main as train_main
from train.commands import app as train

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.help_pages import HelpPage


@pytest.mark.parametrize(
    "page", [*help_pages(convert, "convert"), *help_pages(train, "train")], ids=lambda page: page.command
)
def test_help_explains_each_option_and_names_each_command(page: HelpPage) -> None:
    check_help(page)


@pytest.mark.parametrize(
    ("main", "arguments"),
    [
        (train_main, ["evaluate", "absent.keras", "--json", "absent/figures.json"]),
        (train_main, ["scenes", "--plot", "absent/plot.png"]),
        (convert_main, ["frontier", "absent.tflite", "--plot", "absent/plot.png"]),
        (train_main, ["pack", "absent.toml", "--out", "absent/job.tar.xz"]),
        (train_main, ["figures", "absent.tflite", "--into", "absent/page.md"]),
        (convert_main, ["absent.keras", "--out", "/dev/null/emotion"]),
        (convert_main, ["calibrate", "absent/emotion.tflite"]),
    ],
)
def test_a_file_that_cannot_be_written_is_told_before_the_work(
    main: Callable[[Sequence[str]], None], arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(main, arguments) == 2
    assert "cannot be written: there is no folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("main", "arguments"),
    [
        (train_main, ["facescore", "absent.tflite", "--plot"]),
        (train_main, ["scenes", "--plot"]),
        (train_main, ["data", "--plot"]),
        (train_main, ["tune", "absent.toml", "--show"]),
        (convert_main, ["frontier", "absent.tflite", "--plot"]),
    ],
)
def test_a_plot_that_is_no_png_by_its_name_is_refused_before_the_work(
    main: Callable[[Sequence[str]], None], arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plot = tmp_path / "plot.txt"
    assert call(main, [*arguments, str(plot)]) == 2
    assert f"{plot}: the picture is a PNG; write a name that ends in .png" in capsys.readouterr().err
    assert not plot.exists()


def test_a_page_of_no_bundle_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(convert_main, ["page", ""]) == 2
    assert "not a bundle" in capsys.readouterr().err


@pytest.mark.parametrize("program", ["train.__main__", "convert.__main__"])
def test_ctrl_c_while_tensorflow_loads_ends_without_a_traceback(program: str) -> None:
    ran = interrupt(program, "keras")
    assert (ran.returncode, ran.stdout, ran.stderr) == (-signal.SIGINT, "", "")


def test_make_convert_looks_where_fit_writes(tmp_path: Path) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text('name = "smile"\n[data]\nname = "other"\n')
    here = Path(__file__).parents[2]
    command, environ = ["make", "--dry-run", "convert", f"RECIPE={recipe}"], {"PATH": os.environ["PATH"]}
    ran = subprocess.run(command, cwd=here, capture_output=True, text=True, check=True, env=environ)
    assert "runs/smile: no model is there" in ran.stdout
