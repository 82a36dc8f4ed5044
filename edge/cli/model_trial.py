"""Try a model bundle on the test card's face."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.inference.trial import try_bundle
from edge.testcard import Scene
from edge.vision.views import VIEWS, view_crop

if TYPE_CHECKING:
    from edge.inference.bundle import BundleFiles

_SHOWN_S = 2.0
"""A moment at which the test card's person shows one emotion fully."""


def try_on_a_face(files: BundleFiles, owner: tuple[int, int] | None) -> str:
    """Return what a bundle makes of the test card's face, for a person.

    Args:
        files: The bundle.
        owner: User and group to load it as; None: this process's.

    Raises:
        BundleError: It does not run here.
    """
    scene = Scene()
    truth = scene.truth(_SHOWN_S)
    if truth.face is None:
        message = "the test card shows nobody"
        raise ValueError(message)
    face = view_crop(scene.render(_SHOWN_S), truth.face, files.card, VIEWS[0])
    trial = try_bundle(files, face, owner)
    return (
        f"{files.card.name} {files.card.version} runs in {trial.runtime}, {trial.milliseconds:g} ms a face; "
        f"it reads the test card's {truth.emotion} face as {trial.emotion} ({trial.probability:.2f})"
    )
