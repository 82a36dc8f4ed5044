"""A model, loaded in a process of its own that may neither write nor reach a network.

Both sides send bytes: what comes from the process is read as JSON or as numbers, never as Python objects.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import tempfile
import weakref
from typing import TYPE_CHECKING

import numpy as np
from pydantic import ValidationError

from convert.errors import ModelError
from convert.load import child
from convert.spec import FileFacts
from edge.text import printable

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkServerProcess
    from pathlib import Path

    from numpy.typing import NDArray

    from convert.spec import ModelSpec

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([child.__name__])  # so that the frameworks are imported once

_LONGEST = 5000
"""Characters of a message, which begins with the model's path; Linux allows 4096 of that."""


class ModelProcess:
    """The process that holds one model; it ends when this object does.

    Attributes:
        facts: What the model file says of itself.
        simplified: Whether `run`, after `build`, runs not the model as it came, but what onnxsim made of it.
    """

    simplified = False

    def __init__(self, path: Path, module: str, *, trusted: bool) -> None:
        """Start the process and load the model in it.

        Args:
            path: The model.
            module: Which module of this package reads it.
            trusted: Whether it may run code of its own.

        Raises:
            ModelError: The model cannot be read.
        """
        self._path = path
        scratch = tempfile.TemporaryDirectory()
        self._connection, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(
            target=child.serve, args=(theirs, module, str(path), scratch.name, trusted), daemon=True
        )
        self._process.start()
        theirs.close()
        weakref.finalize(self, _end, self._process, self._connection, scratch)
        try:
            self.facts = FileFacts.model_validate_json(self._answer())
        except ValidationError as error:
            message = f"{path}: {child.explained(error)}"
            raise ModelError(message) from error

    def build(self, spec: ModelSpec) -> bytes:
        """Return the float ``.tflite`` file.

        Raises:
            ModelError: The model cannot be converted.
        """
        content, self.simplified = self._answer(("build", spec)), bool(self._answer())
        return content

    def run(self, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the model's ``(N, K)`` outputs in its own framework for ``(N, H, W, C)`` pictures; after `build`."""
        answer = self._answer(("run", pictures))
        return np.asarray(np.load(io.BytesIO(answer), allow_pickle=False), np.float32)

    def _answer(self, question: tuple[str, object] | None = None) -> bytes:
        try:
            if question is not None:
                self._connection.send(question)
            kind, answer = self._connection.recv_bytes(), self._connection.recv_bytes()
        except (EOFError, ConnectionError):
            self._process.join()
            message = (
                f"{self._path}: the process that reads it ended (exit code {self._process.exitcode}): {child.ENDED}"
            )
            raise ModelError(message) from None
        if kind == child.REFUSED:
            raise ModelError(printable(str(json.loads(answer)), _LONGEST))
        return answer


def _end(process: ForkServerProcess, connection: Connection, scratch: tempfile.TemporaryDirectory[str]) -> None:
    connection.close()
    process.terminate()
    process.join()
    scratch.cleanup()
