"""The pictures of several recipes, each once."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from train.job import pictures
from train.job.layout import PICTURES, examples_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from train.examples import Examples


class Pool:
    """Collects examples; a picture that several recipes use, or that FER2013 has twice, is kept once."""

    def __init__(self, faces: NDArray[np.uint8]) -> None:
        """Take ``(N, 48, 48)`` pictures that are alike, and are coded apart from others for that."""
        self._alike = {picture.tobytes() for picture in faces}
        self._shape = faces.shape[1:]
        self._faces: dict[bytes, int] = {}
        self._others: dict[bytes, int] = {}
        self._recipes: dict[str, tuple[Examples, Examples]] = {}

    def add(self, name: str, training: Examples, validation: Examples) -> None:
        """Add a recipe's examples."""
        for examples in (training, validation):
            for picture in examples.pixels:
                key = picture.tobytes()
                known = self._faces if key in self._alike else self._others
                known.setdefault(key, len(known))
        self._recipes[name] = training, validation

    def files(self) -> dict[str, bytes]:
        """Return the files of `train.job.layout.Job`."""
        coded = [pictures.encode(self._stacked(known)) for known in (self._faces, self._others)]
        files = dict(zip(PICTURES, coded, strict=True))
        for name, (training, validation) in self._recipes.items():
            buffer = io.BytesIO()
            np.savez_compressed(
                buffer,
                training=self._numbers(training),
                training_targets=training.targets,
                validation=self._numbers(validation),
                validation_targets=validation.targets,
            )
            files[examples_file(name)] = buffer.getvalue()
        return files

    def _numbers(self, examples: Examples) -> NDArray[np.int32]:
        """Return where each picture is, the faces first."""
        keys = [picture.tobytes() for picture in examples.pixels]
        places = [self._faces[k] if k in self._faces else len(self._faces) + self._others[k] for k in keys]
        return np.array(places, np.int32)

    def _stacked(self, known: dict[bytes, int]) -> NDArray[np.uint8]:
        return np.frombuffer(b"".join(known), np.uint8).reshape(-1, *self._shape)
