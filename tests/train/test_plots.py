from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from train import plots


@pytest.mark.parametrize("name", ["$x_{$", "$a", "[red]", "%s {0}"])
def test_any_name_can_be_drawn(name: str) -> None:
    figure = Figure(layout="constrained")
    plots.draw_matrix(figure.subplots(), [[3, 0], [1, 2]], [name, "happy"], name)
    history = {column: [0.5] for column in ("val_loss", "val_accuracy")}
    scores = np.array([0.1, 0.9], np.float32)
    for picture in (
        plots.as_png(figure),
        plots.curves(history, name, "ferplus"),
        plots.class_counts({name: {name: 3}, "test": {name: 2}}, name),
        plots.face_scores(scores, {name: scores}, 0.5),
    ):
        assert picture.startswith(b"\x89PNG")
