from __future__ import annotations

from typing import TYPE_CHECKING
from zipfile import ZipFile

import numpy as np
import pytest

from edge.inference.bundle import SHIPPED, ModelBundle
from edge.inference.labels import FACE
from edge.inference.outputs import softmax
from tests.archives import METHODS, damaged_archive
from train import report
from train.datasets import DataError
from train.evaluate.balance import adjust
from train.evaluate.models import open_model

if TYPE_CHECKING:
    from pathlib import Path

    from tests.train.synthetic import Run


def test_a_bundle_is_evaluated_as_the_edge_reads_it() -> None:
    bundle, opened = ModelBundle.load(SHIPPED), open_model(SHIPPED)
    calibration = bundle.card.calibration
    assert opened.labels == (*bundle.labels, FACE)
    assert opened.balance == calibration.balance
    assert tuple(opened.priors.values()) == (calibration.priors or ())
    faces = np.random.default_rng(1).integers(0, 255, (4, 48, 48)).astype(np.uint8)
    adjusted = adjust(opened.logits, opened.labels, opened.priors, opened.balance)(faces)
    assert softmax(adjusted[:, :-1]) == pytest.approx(bundle.read(faces).probabilities, abs=1e-5)


def test_a_keras_model_has_the_priors_of_its_report_and_no_balance(trained: Run) -> None:
    opened = open_model(trained.model)
    assert opened.priors == report.read(trained.out / "tiny.json").priors
    assert opened.balance == 0


@pytest.mark.parametrize("method", METHODS)
def test_a_damaged_keras_model_is_one_sentence(trained: Run, method: int, tmp_path: Path) -> None:
    with ZipFile(trained.model) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    path = tmp_path / "tiny.keras"
    path.write_bytes(damaged_archive(members, method))
    path.with_suffix(".json").write_bytes((trained.out / "tiny.json").read_bytes())
    with pytest.raises(DataError, match=r"tiny\.keras: not a Keras model: \w"):
        open_model(path)
