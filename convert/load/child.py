"""The other side of `convert.load.process`: load a model, and answer until nobody asks any more."""

from __future__ import annotations

import importlib
import io
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

import convert.load.export  # imports TensorFlow, which takes seconds, in the server that processes are forked from
from convert.errors import ModelError
from convert.load.confinement import confine
from edge.frozen import requirement
from edge.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

DONE, REFUSED = b"done", b"refused"

ENDED = "too large for this machine's memory, or damaged"
"""What may be wrong with a model if this process ends while it reads it."""


def serve(connection: Connection, module: str, path: str, scratch: str, trusted: bool) -> None:  # noqa: FBT001  # by position
    """Load a model, send what it says of itself, then build it and run it as asked."""
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # a GPU maps more memory than this process may have
    tempfile.tempdir = os.environ["TMPDIR"] = os.environ["HOME"] = scratch
    confine(Path(scratch))
    try:
        for answer in _answers(connection, module, Path(path), trusted=trusted):
            connection.send_bytes(DONE)
            connection.send_bytes(answer)
    except ModelError as error:
        _refuse(connection, str(error))
    except ValidationError as error:  # of the facts
        _refuse(connection, f"{path}: {explained(error)}")
    except EOFError:
        pass  # nobody asks any more


def _refuse(connection: Connection, message: str) -> None:
    connection.send_bytes(REFUSED)
    connection.send_bytes(json.dumps(message).encode())


def explained(error: ValidationError) -> str:
    """Return what is wrong with a model's facts."""
    problem = error.errors()[0]
    return printable(f"its {' '.join(map(str, problem['loc']))}: {requirement(problem)}", 300)


def _answers(connection: Connection, module: str, path: Path, *, trusted: bool) -> Iterator[bytes]:
    opened = importlib.import_module(f"{convert.load.__name__}.{module}").open_model(path, trusted=trusted)
    yield opened.facts.model_dump_json().encode()
    run: Any = None
    while True:
        command, argument = connection.recv()
        if command == "build":
            built = opened.build(argument)
            run = built.run
            yield built.content
            yield b"simplified" if built.simplified else b""
        else:
            buffer = io.BytesIO()
            np.save(buffer, run(argument))
            yield buffer.getvalue()
