"""Large networks have their published sizes, and go the whole way; ``make test-systems`` runs it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from convert.graph import parse
from convert.inspection import summarize
from convert.load.export import to_tflite
from convert.peers import networks as peers
from tests.train import synthetic
from tests.train.synthetic import call
from train import recipes, report
from train.__main__ import main
from train.networks import build

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras

if "FER2013" not in os.environ:
    pytest.skip("minutes for each network: 'make test-systems' runs them", allow_module_level=True)

pytestmark = pytest.mark.timeout(3600)


@pytest.mark.parametrize(
    ("recipe", "classes", "trainable"),
    [
        ("ddamfn", 8, 4_105_360),  # the paper says 4.11 M
        ("resnet_attention", 7, 11_176_512 + 513 + 3_591),  # ResNet-18's body, the attention, the classifier
        ("efficientnet_b0", 7, 4_007_548 + 655_872 + 3_591),  # Keras' body, the dense layer, the classifier
    ],
)
def test_a_large_network_has_the_published_parameters(recipe: str, classes: int, trainable: int) -> None:
    large = build(recipes.load(recipes.FOLDER / f"{recipe}.toml").network, classes)
    assert sum(np.prod(weight.shape) for weight in large.trainable_weights) == trainable
    assert [weight.path for weight in large.weights[-2:]] == ["logits/kernel", "logits/bias"]


@pytest.mark.parametrize(
    ("build_peer", "parameters", "macs"),
    [
        (peers.mini_xception, 58_423, 10_163_392),  # as the published weights have
        (peers.big_xception, 208_871, 65_768_288),
        (peers.face_expression_net, 323_687, 51_538_816),
        (peers.mobile_face_net, 1_023_623, 220_966_272),  # 221 million, as its paper says
    ],
)
def test_peers_are_as_large_as_the_published_ones(
    build_peer: Callable[[], keras.Model], parameters: int, macs: int
) -> None:
    network = build_peer()
    assert network.count_params() == parameters
    assert summarize(parse(to_tflite(Path("peer"), network, network.input_shape[1:], network))).macs == macs


@pytest.mark.parametrize("system", ["ddamfn", "resnet_attention", "efficientnet_b0"])
def test_an_epoch_of_a_large_network_gives_a_model(
    system: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # A few faces of each label are enough to go through all steps.
    monkeypatch.setattr(synthetic, "PER_LABEL", dict.fromkeys(synthetic.PER_LABEL, 2))
    run = synthetic.data_set(tmp_path / "data")
    out, kept = tmp_path / "run", tmp_path / "kept"
    recipe = tmp_path / f"{system}.toml"
    recipe.write_text((recipes.FOLDER / recipe.name).read_text().replace("clutter = 4800", "clutter = 8"))
    command = ["fit", str(recipe), *run.data, "--clips", "none", "--out", str(out), "--epochs", "1"]
    assert call(main, command) == 0
    written = report.read(out / f"{system}.json")
    assert written.history["loss"][0] > 0
    assert call(main, ["keep", str(out), *run.data, "--into", str(kept)]) == 0
    assert call(main, ["restore", str(kept / f"{system}.npz"), "--out", str(tmp_path / "again")]) == 0
    capsys.readouterr()
    assert call(main, ["evaluate", str(tmp_path / "again" / f"{system}.keras"), *run.data]) == 0
    assert "PrivateTest" in capsys.readouterr().out
