"""A model is loaded in a process that may neither write nor reach a network; what it sends is not trusted."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import zipfile
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from convert.errors import ModelError
from convert.load import load
from convert.load.confinement import confine
from tests.convert import small

if TYPE_CHECKING:
    from collections.abc import Callable


def has_landlock() -> bool:
    script = "import ctypes; print(ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1))"
    return int(subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, check=True).stdout) > 0


def saved(path: Path) -> Path:
    small.as_keras(small.weights(1)).save(path)
    path.with_suffix(".toml").write_text(small.SIDECAR)
    return path


def _try_everything(folder: str, other: str, port: int, results: Any) -> None:
    confine(Path(folder))
    found = {}

    def attempt(name: str, action: Callable[[], object]) -> None:
        try:
            action()
            found[name] = "done"
        except (OSError, subprocess.CalledProcessError) as error:
            found[name] = str(error)

    attempt("write inside", lambda: (Path(folder) / "new").write_text("x"))
    attempt("read outside", (Path(other) / "kept").read_text)
    attempt("write outside", lambda: (Path(other) / "new").write_text("x"))
    attempt("truncate outside", lambda: os.truncate(Path(other) / "kept", 0))
    attempt("remove outside", (Path(other) / "kept").unlink)
    attempt("move outside", lambda: (Path(folder) / "new").rename(Path(other) / "new"))
    attempt("child writes outside", lambda: subprocess.run(["touch", str(Path(other) / "new")], check=True))
    attempt("connect", lambda: socket.create_connection(("127.0.0.1", port), 1))
    results.send(json.dumps(found))


def test_a_confined_process_writes_into_its_folder_alone_and_reaches_no_network(tmp_path: Path) -> None:
    if not has_landlock():
        pytest.skip("this kernel has no Landlock")
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (outside / "kept").write_text("kept")
    with socket.create_server(("127.0.0.1", 0)) as server:
        context = get_context("forkserver")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=_try_everything, args=(str(inside), str(outside), server.getsockname()[1], theirs)
        )
        process.start()
        theirs.close()
        found = json.loads(ours.recv())
        process.join()
    assert (found.pop("write inside"), found.pop("read outside")) == ("done", "done")
    assert "done" not in found.values(), found
    assert [path.name for path in outside.iterdir()] == ["kept"]
    assert (outside / "kept").read_text() == "kept"


def test_a_process_that_ends_is_one_sentence(tmp_path: Path) -> None:
    source = load(saved(tmp_path / "tiny.keras"))
    for child in active_children():
        child.kill()
        child.join()
    with pytest.raises(ModelError, match=r"the process that reads it ended \(exit code -9\): too large"):
        source.run(source.spec.scaling.apply(small.pictures()))


def test_a_process_lasts_as_long_as_its_model(tmp_path: Path) -> None:
    before = set(active_children())
    source = load(saved(tmp_path / "tiny.keras"))
    (process,) = set(active_children()) - before
    assert source.run(source.spec.scaling.apply(small.pictures(3))).shape == (3, len(small.LABELS))
    assert source.run(source.spec.scaling.apply(small.pictures(2))).shape == (2, len(small.LABELS))
    del source
    assert not process.is_alive()


def changed(path: Path, before: bytes, after: bytes) -> Path:
    """Write a Keras file whose description has another number."""
    other = path.with_name(f"other-{path.name}")
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(other, "w") as written:
        for name in archive.namelist():
            written.writestr(name, archive.read(name).replace(before, after))
    other.with_suffix(".toml").write_text(small.SIDECAR)
    return other


def test_layers_that_are_too_large_for_the_memory_are_one_sentence(tmp_path: Path) -> None:
    path = changed(saved(tmp_path / "tiny.keras"), b'"units": 4', b'"units": 4000000000')
    with pytest.raises(ModelError, match=r"not a Keras model|the process that reads it ended"):
        load(path)


def test_pictures_of_a_size_that_nobody_has_are_refused(tmp_path: Path) -> None:
    path = changed(saved(tmp_path / "tiny.keras"), b"[null, 32, 32, 1]", b"[null, 32, 32000, 1]")
    with pytest.raises(ModelError, match="its width: must be at most 1,024"):
        load(path)
