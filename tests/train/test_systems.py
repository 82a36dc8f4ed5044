from __future__ import annotations

import dataclasses
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.train.synthetic import EPOCHS, Run, call
from train import keep, recipes, report, systems
from train.__main__ import main
from train.datasets import DataError
from train.embedding import pinned
from train.evaluate.protocols import BOTH, SPLITS, unpacked_rights
from train.evaluate.robustness import NOISE, NONE
from train.log import LOG
from train.systems.claims import difference
from train.systems.cost import conversion_row, own_accuracy
from train.systems.curves import figure
from train.systems.measured import Int8Figures, SystemFigures, SystemsMeasured
from train.systems.page import page as written_page

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SMALL = "cnn_two_block"


def row(page: str, heading: str, name: str) -> list[str]:
    """Return the cells of a system in one of the page's tables."""
    table = page.split(f"## {heading}")[1].split("\n## ", maxsplit=1)[0]
    (line,) = (line for line in table.splitlines() if line.startswith(f"| `{name}` |"))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def page_of(found: systems.System) -> str:
    return written_page([found], SystemsMeasured(), "curves.png")


def test_a_system_that_was_not_trained_says_so() -> None:
    page = page_of(systems.find(SMALL, [], []))
    published, *ours = row(page, "Accuracy", SMALL)
    assert "62.16% FER2013" in published
    assert "93.92% CK+" in published
    assert ours == ["-"] * 4
    assert row(page, "Training", SMALL)[3] == "not trained yet; 60 planned"
    assert row(page, "Cost", SMALL)[:2] == ["48 px", "824,679"]


def start_run(folder: Path, log: str) -> recipes.Recipe:
    plan = recipes.load(recipes.FOLDER / f"{SMALL}.toml")
    (folder / SMALL).mkdir()
    (folder / SMALL / recipes.OF_RUN).write_text(plan.model_dump_json())
    (folder / SMALL / LOG).write_text(log)
    return plan


def test_a_training_that_goes_on_says_how_far_it_came(tmp_path: Path) -> None:
    plan = start_run(tmp_path, "epoch,val_accuracy,wall_s\n0,0.25,900\n1,0.375,900\n")
    page = page_of(systems.find(SMALL, [tmp_path], []))
    assert row(page, "Training", SMALL)[3] == "2 of 60: not at its end; validation 37.5% at best so far"
    assert row(page, "Training", SMALL)[4] == "0.5"
    assert row(page, "Accuracy", SMALL)[1] == "-"
    other = plan.network.model_copy(update={"dense": 64})
    (tmp_path / SMALL / recipes.OF_RUN).write_text(plan.model_copy(update={"network": other}).model_dump_json())
    assert systems.find(SMALL, [tmp_path], []).history is None  # it is a run of another network
    short = plan.model_copy(update={"schedule": plan.schedule.shortened(2)})
    (tmp_path / SMALL / recipes.OF_RUN).write_text(short.model_dump_json())
    assert systems.find(SMALL, [tmp_path], []).history is None  # it is a quick try


def test_every_system_that_has_epochs_has_its_curves(trained: Run, tmp_path: Path) -> None:
    start_run(tmp_path, "epoch,seen_accuracy,val_accuracy,wall_s\n0,0.25,0.25,900\n1,0.5,0.375,900\n")
    goes_on = systems.find(SMALL, [tmp_path], [])
    written = report.read(trained.out / "tiny.json")
    ended = dataclasses.replace(goes_on, recipe=written.recipe, history=None, reports=(written,))
    forest = dataclasses.replace(ended, recipe=recipes.load(recipes.FOLDER / "random_forest_head.toml"))
    none = systems.find(SMALL, [], [])
    drawn = [axes for axes in figure([goes_on, ended, forest, none]).axes if axes.axison]
    assert [axes.get_title("left") for axes in drawn] == [f"{SMALL}, 2 of 60", f"tiny, {EPOCHS} of {EPOCHS}"]
    assert [np.array(line.get_ydata()).tolist() for line in drawn[0].lines] == [[0.25, 0.5], [0.25, 0.375]]
    assert np.array(drawn[1].lines[1].get_ydata()).tolist() == written.history["val_accuracy"]
    assert figure([none]).axes


def test_a_training_in_its_first_epoch_is_none_yet(tmp_path: Path) -> None:
    start_run(tmp_path, "")
    assert systems.find(SMALL, [tmp_path], []).history is None


def test_a_trained_system_shows_its_report(trained: Run, tmp_path: Path) -> None:
    written = report.read(trained.out / "tiny.json")
    recipe = recipes.load(recipes.FOLDER / f"{SMALL}.toml")
    mine = written.model_copy(update={"name": SMALL, "protocol": "fer2013", "recipe": recipe, "wall_s": 5400.0})
    (tmp_path / f"{SMALL}.json").write_text(mine.model_dump_json())
    page = page_of(systems.find(SMALL, [tmp_path], []))
    test = written.metrics["PrivateTest"]["fer2013"]
    _, accuracy, macro, both, ferplus = row(page, "Accuracy", SMALL)
    assert accuracy.startswith(f"{test.accuracy:.2%}, ")
    assert macro == f"{test.macro_f1:.3f}"
    assert both == f"{written.metrics[BOTH]['fer2013'].accuracy:.2%}"
    assert ferplus == "-"
    assert row(page, "Training", SMALL)[3:] == [f"{EPOCHS} of 60", "1.5"]
    curve = [0.5] + [0.25] * recipe.schedule.stop_after
    early = mine.model_copy(update={"history": written.history | {"val_accuracy": curve}, "epochs": len(curve)})
    (tmp_path / f"{SMALL}.json").write_text(early.model_dump_json())
    page = page_of(systems.find(SMALL, [tmp_path], []))
    assert row(page, "Training", SMALL)[3] == f"{len(curve)} of 60 (stopped early)"


def test_a_report_of_an_older_version_says_how_it_is_written_again(trained: Run, tmp_path: Path) -> None:
    written = report.read(trained.out / "tiny.json")
    recipe = recipes.load(recipes.FOLDER / f"{SMALL}.toml")
    old = written.model_copy(update={"which_right": {}, "recipe": recipe})
    (tmp_path / f"{SMALL}.json").write_text(old.model_dump_json())
    with pytest.raises(DataError, match=rf"{SMALL}\.json: does not say which rows are right.*'fit --resume'"):
        systems.find(SMALL, [tmp_path], [])


def test_a_report_of_another_network_is_not_taken(trained: Run, tmp_path: Path) -> None:
    shutil.copy(trained.out / "tiny.json", tmp_path / f"{SMALL}.json")
    assert not systems.find(SMALL, [tmp_path], []).reports


def test_a_quick_try_is_no_training_and_is_told(
    trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = recipes.load(recipes.FOLDER / f"{SMALL}.toml")
    short = recipe.model_copy(update={"description": "Said anew.", "schedule": recipe.schedule.shortened(EPOCHS)})
    mine = report.read(trained.out / "tiny.json").model_copy(update={"name": SMALL, "recipe": short})
    (tmp_path / SMALL).mkdir()
    (tmp_path / SMALL / f"{SMALL}.json").write_text(mine.model_dump_json())
    monkeypatch.setattr(systems, "SYSTEMS", (SMALL,))
    monkeypatch.setattr(keep, "FOLDER", tmp_path / "none")
    out = tmp_path / "systems.md"
    assert call(main, ["systems", "--runs", str(tmp_path), "--bundles", str(tmp_path), "--out", str(out)]) == 0
    assert row(out.read_text(), "Training", SMALL)[3] == "not trained yet; 60 planned"
    said = capsys.readouterr().err
    assert said == f"{tmp_path / SMALL / SMALL}.json: left out, as it is not of this recipe: another schedule\n"


@pytest.mark.parametrize("change", [lambda _: "{", lambda card: card.replace('"bytes"', '"size"')])
def test_a_damaged_card_is_one_sentence(tmp_path: Path, change: Callable[[str], str]) -> None:
    shipped = keep.FOLDER.parents[1] / "edge/models/emotion.json"
    (tmp_path / "emotion.json").write_text(change(shipped.read_text("utf-8")))
    (tmp_path / "emotion.tflite").touch()
    with pytest.raises(DataError, match=r"emotion\.json"):
        systems.find("emotion", [], [tmp_path])


def test_a_card_without_figures_is_named() -> None:
    card = systems.read_card(keep.FOLDER.parents[1] / "edge/models/emotion.json")
    with pytest.raises(DataError, match=r"the card of emotion has no metrics\.ferplus_majority\.int8"):
        own_accuracy(card.model_copy(update={"metrics": {}}))


def test_a_card_says_by_which_labels_it_is_judged() -> None:
    card = systems.read_card(keep.FOLDER.parents[1] / "edge/models/emotion.json")
    without = card.model_copy(update={"labels": tuple(label for label in card.labels if label != "contempt")})
    assert own_accuracy(without).keys() == {"FER+"}


def test_a_bundle_of_looser_limits_does_not_pass_every_gate() -> None:
    found = systems.find("emotion", [keep.FOLDER], [keep.FOLDER.parents[1] / "edge" / "models"])
    assert "passes every gate" in conversion_row(found)
    bundles = {
        name: type(card).model_validate(card.model_dump() | {"quantisation": {"loosened": {"max_drop": 3.0}}})
        for name, card in found.bundles.items()
    }
    assert "passes, with max drop 3" in conversion_row(replace(found, bundles=bundles))


def test_our_own_system_has_both_heads_and_its_bundles() -> None:
    page = page_of(systems.find("emotion", [keep.FOLDER], [keep.FOLDER.parents[1] / "edge" / "models"]))
    kept = report.read(keep.FOLDER / "emotion.json").metrics["PrivateTest"]["ferplus-majority"]
    assert row(page, "Accuracy", "emotion")[4] == f"{kept.accuracy:.2%}"
    size, _, accuracy = row(page, "Cost", "emotion")[5:]
    assert size.endswith(" MB")
    assert "FER+" in accuracy
    assert "FER2013" in accuracy


def test_what_was_measured_is_shown() -> None:
    noise = dict(zip((NONE, *NOISE), (0.7, 0.5, 0.3, 0.25), strict=True))
    int8 = Int8Figures(bytes=900_000, ms=1.25, accuracy={"FER2013": 0.655})
    measured = SystemsMeasured(
        machine="a machine",
        cores=2,
        load=7.5,
        rounds=15,
        systems={
            SMALL: SystemFigures(float_ms=4.5, float_bytes=3_300_000, noise=noise, noise_labels="FER2013", int8=int8),
            "cnn_gru": SystemFigures(refused="it takes no picture"),
        },
    )
    found = [systems.find(name, [], [], measured) for name in (SMALL, "cnn_gru", "cnn_wide")]
    page = written_page(found, measured, "curves.png")
    assert row(page, "Cost", SMALL)[3:] == ["3.30 MB", "4.50", "0.90 MB", "1.25", "65.50% FER2013"]
    assert row(page, "The sources' claims", SMALL) == ["FER2013", "70.0%", "50.0%", "30.0%", "25.0%"]
    assert row(page, "Through `convert`", SMALL) == ["passes every gate"]
    assert row(page, "Through `convert`", "cnn_gru") == ["refused: it takes no picture"]
    assert row(page, "Through `convert`", "cnn_wide")[0].startswith("not tried: it is not trained")
    assert "median of 15 turns\nof 20 faces" in page
    assert "a machine, 2 cores at\na load of 7.5" in page


def claim(page: str, begins: str) -> str:
    """Return what the page says here of a claim."""
    (line,) = (line for line in page.splitlines() if line.startswith(f"| {begins}"))
    return line.strip("| ").rpartition(" | ")[2]


def test_claims_are_answered_from_reports_and_only_from_them(trained: Run, tmp_path: Path) -> None:
    names = ("cnn_two_block", "cnn_two_block_plain", "random_forest_head", "landmark_mlp")
    nothing = written_page([systems.find(name, [], []) for name in names], SystemsMeasured(), "curves.png")
    for question in ("Which loss", "Does augmentation", "Do pixels", "Does a forest", "What does noise"):
        assert "not yet measured" in claim(nothing, question)
    written = report.read(trained.out / "tiny.json")
    for name, accuracy in zip(names, (0.66, 0.60, 0.655, 0.45), strict=True):
        metrics = {
            split: {p: m.model_copy(update={"accuracy": accuracy, "n": 3589}) for p, m in protocols.items()}
            for split, protocols in written.metrics.items()
        }
        right = np.packbits(np.arange(3589) < round(accuracy * 3589)).tobytes().hex()
        mine = written.model_copy(
            update={
                "name": name,
                "protocol": "fer2013",
                "recipe": pinned(recipes.load(recipes.FOLDER / f"{name}.toml")),
                "metrics": metrics,
                "which_right": dict.fromkeys(SPLITS, right),
            }
        )
        if name == "landmark_mlp":
            mine = mine.model_copy(update={"metrics": metrics | {"PrivateTest, mesh": metrics["PrivateTest"]}})
        (tmp_path / f"{name}.json").write_text(mine.model_dump_json())
    page = written_page([systems.find(name, [tmp_path], []) for name in names], SystemsMeasured(), "curves.png")
    assert "not yet measured: `cnn_two_block_svm` is not trained" in claim(page, "Which loss")
    assert "by more than 4 points: yes; `cnn_two_block` less `cnn_two_block_plain` +6.0 points, +5.2" in claim(
        page, "Does augmentation"
    )
    assert "they beat them: yes; by more than 16 points: yes; `cnn_two_block` less `landmark_mlp` +21.0" in claim(
        page, "Do pixels"
    )
    assert claim(page, "Does a forest").startswith("it loses: yes; the softmax of `cnn_two_block` less")


def test_two_systems_are_compared_face_by_face() -> None:
    first, second = np.arange(400) < 220, (np.arange(400) >= 60) & (np.arange(400) < 240)
    found = difference(first, second)  # 60 faces that only the first gets right, 20 that only the second does
    assert found.mean == pytest.approx(0.1)
    assert found.interval[1] - found.mean == pytest.approx(1.96 * ((80 / 400 - 0.1**2) / 399) ** 0.5)
    assert [found.is_above(claimed) for claimed in (0, 0.1, 0.2)] == ["yes", "inconclusive", "no"]


def test_which_rows_are_right_says_what_the_accuracy_says(trained: Run) -> None:
    written = report.read(trained.out / "tiny.json")
    assert set(written.which_right) == set(SPLITS)
    for split, digits in written.which_right.items():
        found = written.metrics[split]["fer2013"]
        assert unpacked_rights(digits, found.n).mean() == pytest.approx(found.accuracy)


def test_the_kept_reports_say_which_rows_are_right() -> None:
    for path in sorted(keep.FOLDER.glob("*.npz")):
        written = report.read(path.with_suffix(".json"))
        for split, digits in written.which_right.items():
            found = written.metrics[split]["fer2013"]
            assert unpacked_rights(digits, found.n).mean() == pytest.approx(found.accuracy)
        assert written.which_right or written.recipe.data.training == "folder", path


def test_a_forest_says_whose_features_it_takes() -> None:
    _, loss, optimizer, grown, hours = row(
        page_of(systems.find("random_forest_head", [], [])), "Training", "random_forest_head"
    )
    assert (loss, optimizer, hours) == ("Gini impurity", "-", "-")
    assert grown.startswith("not trained yet; 100 trees of depth ")
    assert "on the features of `cnn_two_block`, not of `cnn_wide` as published" in grown


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
