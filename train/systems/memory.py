"""The section of the systems' page that answers whether memory over frames beats smoothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from train.tracks.compare import FRAME, NETWORK, NETWORK_SMOOTHED, PUBLISHED, SMOOTHED
from train.tracks.figures import difference
from train.tracks.stills import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from train.tracks.figures import MeanFigure, TrackFigures, TracksReport

CONTROL = "cnn_no_memory"
NETWORKS = ("cnn_gru", "cnn_transformer")

_HEADING = "## Memory over frames\n"

_NOTHING = "No network over frames was trained yet."

_ABOUT = """\
{tracks:,} tracks of {frames} frames, {fps:g} a second: one for each face of PrivateTest that most annotators agree
on. They are made up. FER2013 shows nobody twice, so the crop of a still drifts, grows and tilts, frames blur into
the next, noise is new in each, another person's face is mixed in for 2 to 5 frames of half of the tracks, and an
expression that builds up is a neutral face blended into the face of *somebody else*; the label changes at the half.
Networks learned from such tracks of training faces, which `emotion` has learned too; those with memory also learned
that a track goes from neutral to an expression and never back. Real footage may rank the ways otherwise.

All ways take the same readings: `emotion`'s embeddings of the views that `edge` reads, four of the first frame and one
of each later one. Smoothing is `edge`'s own code: the mean of the newest four views, then its exponential average; what
it publishes waits until a new emotion has lasted. Temperature, balance and least confidence of a bundle's card are
left out, also of what is published. `{control}` learned the same tracks and answers each frame by
itself: what it gains is not memory. Intervals are those of a mean over tracks, 95 %.

| way | frames right | one expression | build-up | changes of the answer a track |
|---|---:|---:|---:|---:|
{ways}

The truth changes {changes:.2f} times a track.

| on the same tracks, points of frames right | difference |
|---|---:|
{differences}

**Does memory over frames beat smoothing?** {answer}"""


def section(reports: Mapping[str, TracksReport]) -> str:
    """Return the section in Markdown.

    Args:
        reports: By the recipe's name, of those of `CONTROL` and `NETWORKS` that are trained.
    """
    control = reports.get(CONTROL)
    trained = {name: reports[name].ways[NETWORK] for name in NETWORKS if name in reports}
    if control is None or not trained:
        return f"{_HEADING}\n{_NOTHING}\n"
    own = control.ways
    ways = {
        "`emotion`, each frame by itself": own[FRAME],
        "`emotion`, smoothed": own[SMOOTHED],
        "`emotion`, as published": own[PUBLISHED],
        f"`{CONTROL}`, each frame by itself": own[NETWORK],
        f"`{CONTROL}`, smoothed": own[NETWORK_SMOOTHED],
        **{f"`{name}`": way for name, way in trained.items()},
    }
    compared = {
        "`emotion`: smoothed less each frame by itself": difference(own[SMOOTHED], own[FRAME], control.frames),
        f"each frame by itself: `{CONTROL}` less `emotion`": difference(own[NETWORK], own[FRAME], control.frames),
        f"`{CONTROL}`: smoothed less each frame by itself": difference(
            own[NETWORK_SMOOTHED], own[NETWORK], control.frames
        ),
    }
    fair = {name: difference(way, own[NETWORK_SMOOTHED], control.frames) for name, way in trained.items()}
    for name, way in trained.items():
        compared[f"`{name}` less `emotion`, smoothed"] = difference(way, own[SMOOTHED], control.frames)
        compared[f"`{name}` less `{CONTROL}`, smoothed"] = fair[name]
    about = _ABOUT.format(
        tracks=control.tracks,
        frames=control.frames,
        fps=control.fps,
        control=CONTROL,
        ways="\n".join(_way(name, way) for name, way in ways.items()),
        changes=control.changes,
        differences="\n".join(f"| {name} | {_points(found)} |" for name, found in compared.items()),
        answer="\n".join(_answers(fair, trained, own[NETWORK_SMOOTHED])),
    )
    return f"{_HEADING}\n{about}\n"


def verdicts(reports: Mapping[str, TracksReport]) -> str:
    """Return in a few words whether each network over frames beats the smoothed control; arguments as of `section`."""
    control = reports.get(CONTROL)
    found = [
        f"`{name}`: {each.is_above()}, {_points(each)} points"
        for name in NETWORKS
        if control and name in reports
        for each in [difference(reports[name].ways[NETWORK], control.ways[NETWORK_SMOOTHED], control.frames)]
    ]
    return "<br>".join(found) or "not yet measured"


def _way(name: str, way: TrackFigures) -> str:
    low, high = way.accuracy.interval
    kinds = " | ".join(f"{way.by_kind[kind].mean:.2%}" for kind in KINDS)
    return f"| {name} | {way.accuracy.mean:.2%}, {100 * low:.1f} to {100 * high:.1f} | {kinds} | {way.changes:.2f} |"


def _points(found: MeanFigure) -> str:
    low, high = found.interval
    return f"{100 * found.mean:+.2f}, {100 * low:+.2f} to {100 * high:+.2f}"


def _answers(
    fair: Mapping[str, MeanFigure], trained: Mapping[str, TrackFigures], smoothed: TrackFigures
) -> Iterator[str]:
    """Yield what the interval of each network's difference says, and where the difference is."""
    for name, found in fair.items():
        said = found.is_above().capitalize()
        kinds = (f"{trained[name].by_kind[k].mean:.1%} against {smoothed.by_kind[k].mean:.1%} ({k})" for k in KINDS)
        yield f"{said}, on these tracks, of `{name}`: {_points(found)} points over the smoothed control;"
        yield f"{' and '.join(kinds)}."
