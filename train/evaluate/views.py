"""The mean over the views of a face, which is what is published of a track."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.inference.labels import FACE
from edge.inference.outputs import Predictions, softmax
from edge.vision.views import VIEWS, view_stills
from train.evaluate.metrics import match_labels, run_once
from train.evaluate.protocols import measure_all

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from edge.inference.outputs import Logits
    from train.datasets import Faces, LabelProtocol, Split
    from train.evaluate.metrics import Logits as Run
    from train.evaluate.metrics import Metrics

MEAN_OF_VIEWS = "mean of four views, as read on a track"
"""What a figure says that is not of one forward pass."""


def mean_of_views(
    views: Sequence[Logits], temperature: float = 1.0, adjustment: NDArray[np.float32] | None = None
) -> Predictions:
    """Return the mean of the probabilities, and of the face scores, that ``N`` faces have in each view.

    Args:
        views: The logits of the faces in each view.
        temperature: As of `edge.inference.outputs.Logits.predict`.
        adjustment: The same.
    """
    found = [view.predict(temperature, adjustment) for view in views]
    scores = [each.face_scores for each in found if each.face_scores is not None]
    probabilities = np.mean([each.probabilities for each in found], axis=0)
    return Predictions(probabilities, np.mean(scores, axis=0) if scores else None)


def evaluate_views(
    run: Run, labels: Sequence[str], tests: Mapping[tuple[Split, LabelProtocol], Faces]
) -> dict[str, dict[str, Metrics]]:
    """Return the metrics of the mean over `VIEWS` of a model's probabilities, by split, then by protocol.

    Args:
        run: From ``(N, H, W)`` gray levels to logits, divided by the temperature.
        labels: Of the logits; `FACE` may be among them.
        tests: The faces of each split and protocol.
    """
    emotions = [label for label in labels if label != FACE]

    def probabilities(stills: NDArray[np.uint8]) -> NDArray[np.float32]:
        height, width = stills.shape[1:]
        seen = (view_stills(stills, view, width, height) for view in VIEWS)
        answers = [match_labels(softmax(run(pictures)), labels, emotions) for pictures in seen]
        return np.asarray(np.mean(answers, axis=0), np.float32)

    return measure_all(run_once(probabilities, tests), emotions, tests)
