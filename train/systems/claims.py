"""The sources' own claims, answered from reports; what was not measured yet says so.

An interval here is that of two accuracies on independent faces, 95 %. Both are of the same faces, so it is rather too
wide than too narrow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from train.evaluate.protocols import BOTH
from train.evaluate.robustness import NOISE, NONE
from train.networks import RandomForestHeadConfig
from train.systems import memory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from train.evaluate.metrics import Metrics
    from train.systems import System

NORMAL = 1.96

AUGMENTATION_POINTS, PIXELS_POINTS = 4.1, 16.4
"""68.66 less 64.56 and 69.99 less 53.6, as published."""

_SOFTMAX_AND_SVM = (("cnn_two_block", "cnn_two_block_svm"), ("cnn_two_block_plain", "cnn_two_block_svm_plain"))
_OF_NOISE = ("cnn_deep_head", "cnn_two_block")
_WITH_AND_WITHOUT = (("cnn_two_block", "cnn_two_block_plain"), ("cnn_two_block_svm", "cnn_two_block_svm_plain"))


class HitRate(NamedTuple):
    """How many of some faces were right."""

    accuracy: float
    n: int


@dataclass(frozen=True)
class Difference:
    """By how much one accuracy is above another, in points."""

    points: float
    low: float
    high: float

    def __str__(self) -> str:
        """Return it with its interval."""
        return f"{self.points:+.1f} points, {self.low:+.1f} to {self.high:+.1f}"

    def answer(self, claimed: float = 0.0) -> str:
        """Return whether it is above a claimed one, or below, or not to be told."""
        if self.low > claimed:
            return "yes"
        return "no" if self.high < claimed else "not to be told"


def both_tests(metrics: Mapping[str, Mapping[str, Metrics]]) -> HitRate:
    """Return the accuracy on PublicTest and PrivateTest together; reports of older versions have it in parts."""
    splits = (BOTH,) if BOTH in metrics else ("PublicTest", "PrivateTest")
    parts = [metrics[split]["fer2013"] for split in splits]
    n = sum(part.n for part in parts)
    return HitRate(sum(part.accuracy * part.n for part in parts) / n, n)


def difference(first: HitRate, second: HitRate) -> Difference:
    """Return by how much the first is above the second."""
    points = 100 * (first.accuracy - second.accuracy)
    variances = (m.accuracy * (1 - m.accuracy) / m.n for m in (first, second))
    error = 100 * NORMAL * sum(variances) ** 0.5
    return Difference(points, points - error, points + error)


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
            _pairs(systems, _WITH_AND_WITHOUT, "by more than 4 points", 4.0),
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
            f"[on made-up tracks](#memory-over-frames) {memory.verdicts(tracks)}",
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


def _test(system: System) -> HitRate | None:
    """Return the accuracy on PrivateTest with FER2013's labels of a system that learned them, if it is trained."""
    found = (r.metrics["PrivateTest"]["fer2013"] for r in system.reports if r.protocol == "fer2013")
    return next((HitRate(each.accuracy, each.n) for each in found), None)


def _pairs(systems: Mapping[str, System], pairs: tuple[tuple[str, str], ...], claim: str, claimed: float = 0.0) -> str:
    """Return an answer for each pair of systems."""
    said = []
    for pair in pairs:
        first, second = (_test(systems[name]) if name in systems else None for name in pair)
        if first is None or second is None:
            missing = [f"`{name}`" for name, found in zip(pair, (first, second), strict=True) if found is None]
            said.append(f"not yet measured: {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not trained")
            continue
        found = difference(first, second)
        said.append(f"{claim}: {found.answer(claimed)}; `{pair[0]}` less `{pair[1]}` {found}")
    return "<br>".join(said)


def _pixels_and_landmarks(systems: Mapping[str, System]) -> str:
    """Return an answer of the best of each that learned FER2013's labels alone, on 7,178 rows."""
    trained = {
        name: both_tests(report.metrics)
        for name, system in systems.items()
        for report in system.reports
        if system.recipe.data.training == "fer2013" and report.protocol == "fer2013"
    }
    seen = {True: "", False: ""}
    for name in sorted(trained, key=lambda each: trained[each].accuracy):
        seen[systems[name].recipe.network.landmarks] = name
    if not all(seen.values()):
        return "not yet measured: one of pixels and one of landmarks must be trained"
    found = difference(trained[seen[False]], trained[seen[True]])
    untrained = [f"`{n}`" for n, s in systems.items() if s.recipe.network.landmarks and n not in trained]
    rest = f"; not trained yet: {', '.join(untrained)}" if untrained else ""
    said = f"`{seen[False]}` less `{seen[True]}` {found}, the best of each here{rest}"
    return f"they beat them: {found.answer()}; by more than 16 points: {found.answer(16.0)}; {said}"


def _forests(systems: Mapping[str, System]) -> str:
    """Return an answer for each forest against the softmax whose features it takes."""
    said = []
    for name, system in systems.items():
        if not isinstance(system.recipe.network, RandomForestHeadConfig):
            continue
        eyes = system.recipe.network.features.stem
        ours, softmax = (_test(systems[each]) if each in systems else None for each in (name, eyes))
        if ours is None or softmax is None:
            said.append(f"not yet measured: `{name}` and `{eyes}` must be trained")
            continue
        found = difference(softmax, ours)
        said.append(f"it loses: {found.answer()}; the softmax of `{eyes}` less the forest on its features {found}")
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
