"""How large a model may be, as a file and unpacked, checked before anything is unpacked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convert.errors import ModelError
from edge.files import open_regular, read_regular
from edge.text import printable

if TYPE_CHECKING:
    import zipfile
    from pathlib import Path

    import h5py

MOST_BYTES = 1 << 30
"""Of a file, and of all that is unpacked from it: VGG16 in float32, of another age than a Pi's models, has 553 MB."""

_MOST_PARTS = 20_000
"""Members of an archive, groups and datasets of an HDF5 file, files of a SavedModel."""

_LFS_POINTER = b"version https://git-lfs.github.com/spec/"


def check_file(path: Path) -> None:
    """Check that a model is a regular file of a sensible size, and the file itself.

    Raises:
        ModelError: It is none, it is too large, or a Git LFS pointer stands in its place.
    """
    try:
        with open_regular(path) as file:
            size = file.seek(0, 2)
            file.seek(0)
            start = file.read(len(_LFS_POINTER))
    except OSError as error:
        message = f"{path}: {error.strerror}"
        raise ModelError(message) from None
    if size > MOST_BYTES:
        raise too_large(path, f"it has {size:,} bytes")
    if start == _LFS_POINTER:
        message = f"{path}: this is a pointer of Git LFS, not the model; fetch the model: git lfs pull"
        raise ModelError(message)


def read_model(path: Path) -> bytes:
    """Return the content of a file that `check_file` accepts.

    Raises:
        ModelError: As of `check_file`.
    """
    check_file(path)
    try:
        return read_regular(path, MOST_BYTES)
    except OSError as error:
        message = f"{path}: {error.strerror}"
        raise ModelError(message) from None


def check_folder(path: Path) -> None:
    """Check every file of a SavedModel's folder, and their sum.

    Raises:
        ModelError: As of `check_file`, or they are too many or too large together.
    """
    total = count = 0
    for file in path.rglob("*"):
        if file.is_dir() and not file.is_symlink():  # what a link to a folder leads to would not be looked at
            continue
        check_file(file)
        total, count = total + file.stat().st_size, count + 1
        if total > MOST_BYTES or count > _MOST_PARTS:
            raise too_large(path, f"its files are more than {count:,} or have more than {total:,} bytes")


def check_archive(path: Path, archive: zipfile.ZipFile) -> None:
    """Check what an archive says that it unpacks to; no more than that is ever unpacked.

    Raises:
        ModelError: It is too much.
    """
    members = archive.infolist()
    size = sum(member.file_size for member in members)
    if size > MOST_BYTES or len(members) > _MOST_PARTS:
        raise too_large(path, f"it unpacks to {len(members):,} files of {size:,} bytes")


def check_hdf5(path: Path, file: h5py.File) -> None:
    """Check the sizes of all datasets and attributes, and that everything is in the file itself.

    Raises:
        ModelError: They are too large together, or part of it is in another file.
    """
    import h5py  # noqa: PLC0415  # 0.2 s

    size = count = 0
    waiting: list[Any] = [file]
    while waiting:
        group = waiting.pop()
        for name in group:
            count += 1
            refused = f"{path}: it is not loaded, since {printable(name, 60)!r} in it"
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                message = f"{refused} links to another place or file"
                raise ModelError(message)
            part = group[name]
            if isinstance(part, h5py.Group):
                waiting.append(part)
            elif part.external or part.is_virtual:
                message = f"{refused} lies in another file"
                raise ModelError(message)
            else:
                size += int(part.size or 0) * part.dtype.itemsize
            if size > MOST_BYTES or count > _MOST_PARTS:
                raise too_large(path, f"it unpacks to more than {size:,} bytes, or has more than {count:,} parts")


def too_large(path: Path, what: str) -> ModelError:
    """Return the error that says what of a model is too large."""
    return ModelError(f"{path}: {what}, but {MOST_BYTES:,} bytes and {_MOST_PARTS:,} parts are the most that is read")
