"""Each network overfits 64 faces, or 64 tracks, with its recipe's loss and optimizer: ``make test-systems``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from edge.vision.crops import all_resized
from train import batch_norm, networks, recipes, systems
from train.landmarks.models import FILE, seen_by_landmarks
from train.losses import HeadsLoss, MainAccuracy
from train.optimizers import make_optimizer
from train.targets import training_examples
from train.tracks.examples import track_examples

if "FER2013" not in os.environ:
    pytest.skip("minutes for each network: 'make test-systems' runs them", allow_module_level=True)

pytestmark = pytest.mark.timeout(3600)

FACES = 64
ROUNDS, EPOCHS = 40, 5
"""The network is evaluated after each round."""


@pytest.mark.parametrize("system", [name for name in systems.SYSTEMS if name not in {"emotion", "random_forest_head"}])
def test_a_network_learns_64_faces_by_heart(system: str) -> None:
    recipe = recipes.load(recipes.FOLDER / f"{system}.toml")
    data = recipe.data.model_copy(update={"clutter": 0})
    config = recipe.network
    if isinstance(config, networks.TransformerEncoderDecoderConfig):
        config = config.model_copy(update={"not_detected": False})
    files = Path(os.environ["FER2013"]), Path(os.environ["FERPLUS"])
    if data.tracks:
        few = data.model_copy(update={"tracks": data.tracks.model_copy(update={"training": FACES})})
        plan = recipe.model_copy(update={"data": few})
        examples = track_examples(plan, "Training", *files, None, lambda _name, _total: lambda _count: None)
    else:
        examples = training_examples(data, *files, None).sample(FACES, seed=1)
    if config.landmarks:
        assert FILE.exists(), f"{FILE}: 'make landmarks' writes it"
        examples = seen_by_landmarks(examples)
    columns = examples.heads[0].columns
    # Votes are not one label: the largest one is learned.
    targets = np.eye(columns.stop, dtype=np.float32)[examples.targets[..., columns].argmax(axis=-1)]

    keras.utils.set_random_seed(1)
    network = networks.build(config, columns.stop)
    side = recipe.network.size
    pixels: Any = examples.inputs()
    if not (examples.are_tracks or config.landmarks):
        pixels = all_resized(examples.pixels, side, side)[..., None].astype(np.float32)
    heads = examples.heads[:1]
    # Coordinates are normalised by their deviation over a batch, which 16 faces do not tell well enough.
    batch = FACES if config.landmarks else FACES // 4
    # The end of each round makes the weights their average over steps, which hardly moves in one of so few.
    schedule = recipe.schedule.model_copy(update={"decay": "constant", "ema_momentum": 0.0})
    network.compile(
        make_optimizer(schedule, FACES // batch),
        HeadsLoss(heads, config=recipe.loss),
        metrics=[MainAccuracy(heads)],
        jit_compile=False,
    )
    right = 0.0
    for _ in range(ROUNDS):
        network.fit(pixels, targets, batch_size=batch, epochs=EPOCHS, verbose=0)
        if not examples.are_tracks:
            batch_norm.estimate(network, [pixels])
        right = network.evaluate(pixels, targets, verbose=0, return_dict=True)["accuracy"]
        if right >= 0.95:
            break
    assert right >= 0.95
