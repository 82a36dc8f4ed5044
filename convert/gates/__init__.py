"""What a model has to pass before it becomes a bundle.

Each gate returns what it measured, the limit, and whether it holds. Its docstring says what it requires; a figure that
is only reported has no limit.
"""

from convert.gates.accuracy import (
    above_majority,
    accuracy_kept,
    face_kept,
    faces_above_clutter,
    predictions_kept,
    recalls_kept,
    reported,
)
from convert.gates.file import all_integer, as_contracted, runs_on_a_pi, small_enough
from convert.gates.limits import Limits
from convert.gates.reading import labels_in_order, pixels_as_trained, same_as_source
from convert.gates.result import GateResult, as_card
from convert.gates.runtimes import AccuracyGates, Answers, int8_answers

__all__ = [
    "AccuracyGates",
    "Answers",
    "GateResult",
    "Limits",
    "above_majority",
    "accuracy_kept",
    "all_integer",
    "as_card",
    "as_contracted",
    "face_kept",
    "faces_above_clutter",
    "int8_answers",
    "labels_in_order",
    "pixels_as_trained",
    "predictions_kept",
    "recalls_kept",
    "reported",
    "runs_on_a_pi",
    "same_as_source",
    "small_enough",
]
