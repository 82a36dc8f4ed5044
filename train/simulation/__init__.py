"""Made-up video with labelled faces, and how well a detector or the whole pipeline does on it.

Labelled faces come as still crops; what a user gets depends on finding and following
them in a camera's frames too. `sequences` draws people with faces of a test set who
come, stay and leave before a cluttered room, and knows the truth of every frame.

Example:
    >>> for sequence in sequences(faces, 10, seed=1):
    ...     for index in range(len(sequence)):
    ...         gray, people = sequence.frame(index), sequence.truth(index)
"""

from train.simulation.video import Person, Video, sequences

__all__ = ["Person", "Video", "sequences"]
