"""Synthetic video with labelled faces, and how accurate the pipeline and the baselines are on it.

Labelled faces come as still crops, but what a user gets also depends on finding and tracking
them in a camera's frames. `sequences` draws people with faces of a test set who come, stay
and leave in front of a cluttered room, and the truth of every frame is known.

Example:
    >>> for sequence in sequences(faces, 10, seed=1):
    ...     for index in range(len(sequence)):
    ...         gray, people = sequence.frame(index), sequence.truth(index)
"""

from train.simulation.video import Person, SyntheticVideo, sequences

__all__ = ["Person", "SyntheticVideo", "sequences"]
