from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.train.synthetic import Run, call
from train import keep, recipes, report, systems
from train.__main__ import main
from train.evaluate.protocols import BOTH
from train.fit import LOG

if TYPE_CHECKING:
    from pathlib import Path

SMALL = "cnn_two_block"


def row(page: str, heading: str, name: str) -> list[str]:
    """Return the cells of a system in one of the page's tables."""
    table = page.split(f"## {heading}")[1].split("\n## ", maxsplit=1)[0]
    (line,) = (line for line in table.splitlines() if line.startswith(f"| `{name}` |"))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_a_system_that_was_not_trained_says_so() -> None:
    page = systems.page([systems.find(SMALL, [], [])])
    published, *ours = row(page, "Accuracy", SMALL)
    assert "62.16% FER2013" in published
    assert "93.92% CK+" in published
    assert ours == ["-"] * 4
    assert row(page, "Training", SMALL)[3] == "not trained yet; 60 planned"
    assert row(page, "Cost", SMALL)[:2] == ["48 px", "824,679"]


def test_a_training_that_goes_on_says_how_far_it_came(tmp_path: Path) -> None:
    (tmp_path / SMALL).mkdir()
    (tmp_path / SMALL / LOG).write_text("epoch,val_accuracy,wall_s\n0,0.25,900\n1,0.375,900\n")
    page = systems.page([systems.find(SMALL, [tmp_path], [])])
    assert row(page, "Training", SMALL)[3] == "2 of 60: not at its end; validation 37.5% at best so far"
    assert row(page, "Training", SMALL)[4] == "0.5"
    assert row(page, "Accuracy", SMALL)[1] == "-"


def test_a_training_in_its_first_epoch_is_none_yet(tmp_path: Path) -> None:
    (tmp_path / SMALL).mkdir()
    (tmp_path / SMALL / LOG).write_text("")
    assert systems.find(SMALL, [tmp_path], []).history is None


def test_a_trained_system_shows_its_report(trained: Run, tmp_path: Path) -> None:
    written = report.read(trained.out / "tiny.json")
    recipe = recipes.load(recipes.FOLDER / f"{SMALL}.toml")
    mine = written.model_copy(update={"name": SMALL, "protocol": "fer2013", "recipe": recipe, "wall_s": 5400.0})
    (tmp_path / f"{SMALL}.json").write_text(mine.model_dump_json())
    page = systems.page([systems.find(SMALL, [tmp_path], [])])
    test = written.metrics["PrivateTest"]["fer2013"]
    _, accuracy, macro, both, ferplus = row(page, "Accuracy", SMALL)
    assert accuracy.startswith(f"{test.accuracy:.2%}, ")
    assert macro == f"{test.macro_f1:.3f}"
    assert both == f"{written.metrics[BOTH]['fer2013'].accuracy:.2%}"
    assert ferplus == "-"
    assert row(page, "Training", SMALL)[3:] == ["6 of 60 (stopped early)", "1.5"]

    older = {split: figures for split, figures in mine.metrics.items() if split != BOTH}
    (tmp_path / f"{SMALL}.json").write_text(mine.model_copy(update={"metrics": older}).model_dump_json())
    assert row(systems.page([systems.find(SMALL, [tmp_path], [])]), "Accuracy", SMALL)[3] == both


def test_our_own_system_has_both_heads_and_its_bundles() -> None:
    page = systems.page([systems.find("emotion", [keep.FOLDER], [keep.FOLDER.parents[1] / "edge" / "models"])])
    kept = report.read(keep.FOLDER / "emotion.json").metrics["PrivateTest"]["ferplus-majority"]
    assert row(page, "Accuracy", "emotion")[4] == f"{kept.accuracy:.2%}"
    size, accuracy = row(page, "Cost", "emotion")[3:]
    assert size.endswith(" MB")
    assert "FER+" in accuracy
    assert "FER2013" in accuracy


def test_the_command_writes_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(systems, "SYSTEMS", (SMALL,))
    monkeypatch.setattr(keep, "FOLDER", tmp_path)  # whatever is kept in the repository
    out = tmp_path / "systems.md"
    assert call(main, ["systems", "--runs", str(tmp_path), "--bundles", str(tmp_path), "--out", str(out)]) == 0
    assert "0 of 1 systems" in capsys.readouterr().out
    assert out.read_text().startswith("# Systems side by side\n")


@pytest.mark.parametrize("name", [path.stem for path in recipes.FOLDER.glob("*.toml")])
def test_every_recipe_with_a_published_figure_is_on_the_page(name: str) -> None:
    assert not recipes.load(recipes.FOLDER / f"{name}.toml").published or name in systems.SYSTEMS
