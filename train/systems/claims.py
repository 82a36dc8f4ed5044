"""The sources' own claims, answered from reports; what was not measured yet says so.

Two systems are compared face by face, as both are evaluated on the same ones; intervals are 95 %.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from train.evaluate.protocols import SPLITS, unpacked_rights
from train.evaluate.robustness import NOISE, NONE
from train.networks import RandomForestHeadConfig
from train.systems import memory
from train.tracks.figures import DIFFERENCE, mean_figure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from train.datasets import Split
    from train.systems import System
    from train.tracks.figures import MeanFigure

AUGMENTATION_POINTS, PIXELS_POINTS = 4.1, 16.4
"""68.66 less 64.56 and 69.99 less 53.6, as published."""

_SOFTMAX_AND_SVM = (("cnn_two_block", "cnn_two_block_svm"), ("cnn_two_block_plain", "cnn_two_block_svm_plain"))
_OF_NOISE = ("cnn_deep_head", "cnn_two_block")
_WITH_AND_WITHOUT = (("cnn_two_block", "cnn_two_block_plain"), ("cnn_two_block_svm", "cnn_two_block_svm_plain"))


def difference(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> MeanFigure:
    """Return by how much the first is right more often than the second, from which ``(N,)`` faces each is right on.

    Its interval is that of paired proportions: Agresti, "Categorical Data Analysis", 3rd edition, 11.1.2.
    """
    return mean_figure(first.astype(np.float64) - second, DIFFERENCE)


def section(systems: Mapping[str, System]) -> str:
    """Return the rows of the table of claims.

    Args:
        systems: Those of the page by name.
    """
    tracks = {name: each.tracks for name, system in systems.items() for each in system.reports if each.tracks}
    rows = [
        (
            "Which loss, softmax or a support vector machine's?",
            "62.16% and 67.60% with softmax, 65.64% with a support vector machine",
            _pairs(systems, _SOFTMAX_AND_SVM, "softmax is better"),
        ),
        (
            "Does augmentation help by 4 points?",
            f"64.56%, and 68.66% with it: {AUGMENTATION_POINTS:+.1f}",
            _pairs(systems, _WITH_AND_WITHOUT, "by more than 4 points", 0.04),
        ),
        (
            "Do pixels beat landmarks by 16 points?",
            f"69.99% and 53.60% of 7,178 rows: {PIXELS_POINTS:+.1f}",
            _pixels_and_landmarks(systems),
        ),
        ("Does a forest lose against a softmax?", '"drastically", without a figure', _forests(systems)),
        (
            "What does noise of 0.05, 0.1 and 0.2 of white cost?",
            "from 67.99% to 34.00%, 17.60% and 17.40% (`cnn_deep_head`)",
            _noise_of(systems),
        ),
        (
            "Does memory over frames beat smoothing?",
            "proposed, no figure",
            f"[on synthetic tracks](#memory-over-frames) {memory.verdicts(tracks)}",
        ),
    ]
    return "\n".join(f"| {question} | {published} | {ours} |" for question, published, ours in rows)


def noise_rows(systems: Mapping[str, System]) -> str:
    """Return a row for each system that noise was tried on."""
    return "\n".join(
        f"| `{name}` | {system.measured.noise_labels} | {' | '.join(_percents(system))} |"
        for name, system in systems.items()
        if system.measured.noise
    )


def _noisy(system: System) -> Iterator[float]:
    """Yield the accuracy without noise, and with each."""
    yield from (system.measured.noise[name] for name in (NONE, *NOISE))


def _rights(system: System, splits: Sequence[Split]) -> NDArray[np.bool_] | None:
    """Return on which faces of some splits a system that learned FER2013's labels is right, if it is trained."""
    for written in system.reports:
        if written.protocol == "fer2013":
            return np.concatenate(
                [unpacked_rights(written.which_right[s], written.metrics[s]["fer2013"].n) for s in splits]
            )
    return None


def _test(systems: Mapping[str, System], name: str) -> NDArray[np.bool_] | None:
    """Return the same of a system by its name, on PrivateTest."""
    return _rights(systems[name], ["PrivateTest"]) if name in systems else None


def _points(found: MeanFigure) -> str:
    low, high = found.interval
    return f"{100 * found.mean:+.1f} points, {100 * low:+.1f} to {100 * high:+.1f}"


def _pairs(systems: Mapping[str, System], pairs: tuple[tuple[str, str], ...], claim: str, claimed: float = 0.0) -> str:
    """Return an answer for each pair of systems."""
    said = []
    for pair in pairs:
        first, second = (_test(systems, name) for name in pair)
        if first is None or second is None:
            missing = [f"`{name}`" for name, found in zip(pair, (first, second), strict=True) if found is None]
            said.append(f"not yet measured: {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not trained")
            continue
        found = difference(first, second)
        said.append(f"{claim}: {found.is_above(claimed)}; `{pair[0]}` less `{pair[1]}` {_points(found)}")
    return "<br>".join(said)


def _pixels_and_landmarks(systems: Mapping[str, System]) -> str:
    """Return an answer of the best of each that learned FER2013's labels alone, on 7,178 rows."""
    trained = {
        name: found
        for name, system in systems.items()
        if system.recipe.data.training == "fer2013"
        for found in [_rights(system, SPLITS)]
        if found is not None
    }
    best = {True: "", False: ""}
    for name in sorted(trained, key=lambda each: trained[each].mean()):
        best[systems[name].recipe.network.landmarks] = name
    if not all(best.values()):
        return "not yet measured: one of pixels and one of landmarks must be trained"
    found = difference(trained[best[False]], trained[best[True]])
    untrained = [f"`{n}`" for n, s in systems.items() if s.recipe.network.landmarks and n not in trained]
    rest = f"; not trained yet: {', '.join(untrained)}" if untrained else ""
    ours = "the best of each here that learned FER2013's labels alone"
    said = f"`{best[False]}` less `{best[True]}` {_points(found)}, {ours}{rest}"
    return f"they beat them: {found.is_above()}; by more than 16 points: {found.is_above(0.16)}; {said}"


def _forests(systems: Mapping[str, System]) -> str:
    """Return an answer for each forest against the softmax whose features it takes."""
    said = []
    for name, system in systems.items():
        if not isinstance(system.recipe.network, RandomForestHeadConfig):
            continue
        backbone = system.recipe.network.features.stem
        ours, softmax = (_test(systems, each) for each in (name, backbone))
        if ours is None or softmax is None:
            said.append(f"not yet measured: `{name}` and `{backbone}` must be trained")
            continue
        found = difference(softmax, ours)
        compared = f"the softmax of `{backbone}` less the forest on its features {_points(found)}"
        said.append(f"it loses: {found.is_above()}; {compared}")
    return "<br>".join(said) or "not yet measured"


def _noise_of(systems: Mapping[str, System]) -> str:
    """Return what noise costs the network with a published figure or, if it is not trained, another one."""
    said: list[str] = []
    for name in _OF_NOISE:
        if name in systems and systems[name].measured.noise:
            first, *others = _percents(systems[name])
            return "<br>".join([*said, f"from {first} to {', '.join(others)} (`{name}`)"])
        said.append(f"not yet measured: `{name}` is not trained")
    return "<br>".join(said)


def _percents(system: System) -> list[str]:
    return [f"{value:.1%}" for value in _noisy(system)]
