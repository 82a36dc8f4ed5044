"""Read the same tracks in several ways: without memory, smoothed as `edge` does, and by a network over frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.inference.outputs import softmax
from train import embedding
from train.networks import CnnNoMemoryConfig
from train.tracks.figures import TrackFigures, TracksReport, mean_figure
from train.tracks.smoothing import reading_plan, smooth
from train.tracks.stills import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras
    from numpy.typing import NDArray

    from edge.vision.views import View
    from train.kept import KeptNetwork
    from train.recipes.tracks import TracksConfig
    from train.tracks.readings import Readings

FRAME, SMOOTHED, PUBLISHED, NETWORK, NETWORK_SMOOTHED = WAYS = (
    "frame",
    "smoothed",
    "published",
    "network",
    "network smoothed",
)
"""The frozen network's own answer for each frame; the same smoothed by `edge`; what `edge` publishes of it, which waits
until a new emotion has lasted; the network over frames; and, of one without memory, its answers smoothed by `edge`."""


def compare(
    readings: Readings, backbone: KeptNetwork, network: keras.Model, config: TracksConfig, labels: tuple[str, ...]
) -> TracksReport:
    """Return how right each way is.

    Args:
        readings: Of the tracks.
        backbone: Whose readings they are.
        network: What takes a frame's embedding.
        config: The recipe's tracks.
        labels: The emotions.
    """
    plan = reading_plan(config.frames, config.fps)
    by_frame = readings.by_frame(config.fps)
    own = _probabilities(embedding.answers(backbone, labels, readings.embeddings))
    starts = np.cumsum([0, *(len(views) for views in plan[:-1])])
    counts = np.array([len(views) for views in plan])
    found = {FRAME: (np.add.reduceat(own, starts, axis=1) / counts[:, None]).argmax(axis=-1)}
    found[SMOOTHED], found[PUBLISHED] = _smoothed(own, plan, labels, config.fps)
    found[NETWORK] = network.predict(by_frame, batch_size=256, verbose=0).argmax(axis=-1)
    if network.name == CnnNoMemoryConfig().kind:
        each = _probabilities(network.predict(readings.embeddings, batch_size=256, verbose=0))
        found[NETWORK_SMOOTHED], _ = _smoothed(each, plan, labels, config.fps)
    return TracksReport(
        tracks=len(readings.truth),
        frames=config.frames,
        fps=config.fps,
        changes=_changes(readings.truth),
        ways={way: _figures(answers, readings) for way, answers in found.items()},
    )


def _probabilities(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the softmax of ``(S, R, C)`` logits over the labels."""
    return softmax(logits.reshape(-1, logits.shape[-1])).reshape(logits.shape)


def _smoothed(
    probabilities: NDArray[np.float32], plan: Sequence[Sequence[View]], labels: tuple[str, ...], fps: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the smoothed and the published answers, ``(S, T)``; -1 is uncertain."""
    smoothed, published = [], []
    for track in probabilities:
        means, emotions = smooth(track, plan, labels, fps)
        smoothed.append(means.argmax(axis=-1))
        published.append([labels.index(emotion) if emotion in labels else -1 for emotion in emotions])
    return np.stack(smoothed), np.array(published)


def _figures(answers: NDArray[np.intp], readings: Readings) -> TrackFigures:
    right = answers == readings.truth
    shares = right.mean(axis=1)
    kinds = {kind: shares[readings.kinds == number] for number, kind in enumerate(KINDS)}
    return TrackFigures(
        accuracy=mean_figure(shares),
        by_kind={kind: mean_figure(of) for kind, of in kinds.items() if len(of)},
        changes=_changes(answers),
        hits=right.sum(axis=1).astype(np.uint8).tobytes().hex(),
    )


def _changes(answers: NDArray[np.intp]) -> float:
    return float((answers[:, 1:] != answers[:, :-1]).sum(axis=1).mean())
