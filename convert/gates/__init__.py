"""The gates that a converted model has to pass before it becomes a bundle.

Each gives what it measured, the limit, and whether it holds. What a gate exists for is
said where it is; what is only reported has no limit.
"""

from convert.gates.accuracy import accuracy_kept, agreement, answers_kept, face_kept, recalls_kept, reported
from convert.gates.file import all_integer, as_contracted, runs_on_a_pi, small_enough
from convert.gates.gate import Check, Limits, as_card
from convert.gates.reading import labels_in_order, pixels_as_trained, same_as_source

__all__ = [
    "Check",
    "Limits",
    "accuracy_kept",
    "agreement",
    "all_integer",
    "answers_kept",
    "as_card",
    "as_contracted",
    "face_kept",
    "labels_in_order",
    "pixels_as_trained",
    "recalls_kept",
    "reported",
    "runs_on_a_pi",
    "same_as_source",
    "small_enough",
]
