from __future__ import annotations

import errno
import os
import socket
import stat
import tempfile
from pathlib import Path

import pytest

from edge.errors import OutputError
from edge.files import (
    check_writable,
    is_folder,
    is_there,
    private_folder,
    read_regular,
    read_text,
    write_atomically,
    write_own,
)


def test_a_regular_file_and_a_link_to_one_are_read(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_bytes(b"12345")
    link.symlink_to(file)
    assert read_regular(file, 5) == read_regular(link, 5) == b"12345"
    with pytest.raises(OSError, match="larger than 4 bytes"):
        read_regular(link, 4)


def test_a_sparse_file_is_not_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    os.truncate(file, 10**12)
    with pytest.raises(OSError, match="larger than 1,000 bytes"):
        read_regular(file, 1000)


@pytest.mark.parametrize("kind", ["fifo", "zero", "folder", "socket", "absent"])
def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "file"
    match kind:
        case "fifo":
            os.mkfifo(file)
        case "zero":
            file.symlink_to("/dev/zero")
        case "folder":
            file.mkdir()
        case "socket":
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(str(file))
    with pytest.raises(OSError, match=r"not a regular file|No such|directory") as caught:
        read_regular(file, 1000)
    assert caught.value.strerror


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"\xef\xbb\xbfm\xc3\xbcsli\r\n")
    assert read_text(file, 100) == "müsli\r\n"
    file.write_text("müsli", encoding="utf-16")
    with pytest.raises(UnicodeDecodeError):
        read_text(file, 100)


@pytest.mark.parametrize(
    ("mode", "fine"), [(0o700, True), (0o755, True), (0o770, False), (0o777, False), (0o1777, False)]
)
def test_a_private_folder_is_one_that_nobody_else_can_write(tmp_path: Path, mode: int, fine: bool) -> None:  # noqa: FBT001
    folder = tmp_path / "folder"
    folder.mkdir()
    folder.chmod(mode)
    if fine:
        assert private_folder(folder) == folder
    else:
        with pytest.raises(PermissionError, match="another user could change this folder"):
            private_folder(folder)


def test_a_private_folder_lies_in_one_where_nobody_else_can_rename_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)  # as /tmp
    private_folder(tmp_path / "fine")
    tmp_path.chmod(0o777)
    with pytest.raises(PermissionError):
        private_folder(tmp_path / "fine")


def test_a_link_is_no_private_folder(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PermissionError):
        private_folder(tmp_path / "link")


def test_what_cannot_be_looked_at_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert is_folder(tmp_path / "folder")
    assert is_there(tmp_path / "folder")
    for absent in ("absent", "folder/absent", "x" * 300):
        assert not is_folder(tmp_path / absent)
        assert not is_there(tmp_path / absent)
    if os.geteuid() == 0:
        (tmp_path / "folder/file").touch()
        (tmp_path / "folder").chmod(0o700)
        os.seteuid(65534)
        try:
            assert not is_there(tmp_path / "folder/file")
        finally:
            os.seteuid(0)


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_what_the_umask_leaves(tmp_path: Path, umask: int, mode: int) -> None:
    file, own = tmp_path / "file", tmp_path / "own"
    before = os.umask(umask)
    try:
        write_atomically(file, "new")
        write_own(own, b"new")
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == mode
    assert stat.S_IMODE(own.stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path: Path, mode: int) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.touch()
    file.chmod(mode)
    link.symlink_to(file)
    write_atomically(link, "new")
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("new", mode)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "link"]
    write_own(file, b"own")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a file away")
def test_a_users_file_that_root_replaces_stays_the_users(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    os.chown(file, 65534, 65534)
    write_atomically(file, "new")
    assert (file.stat().st_uid, file.stat().st_gid) == (65534, 65534)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
@pytest.mark.parametrize(("groups", "group", "mode"), [([2000], 2000, 0o664), ([], 65534, 0o604)])
def test_a_file_that_another_user_replaces_opens_to_no_other_group(groups: list[int], group: int, mode: int) -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own is closed to others
        Path(folder).chmod(0o777)
        file = Path(folder) / "file"
        file.touch()
        file.chmod(0o664)
        os.chown(file, 1001, 2000)
        before = os.getgroups()
        try:
            os.setgroups(groups)
            os.setegid(65534)
            os.seteuid(65534)
            write_atomically(file, "new")
        finally:
            os.seteuid(0)
            os.setegid(0)
            os.setgroups(before)
        found = file.stat()
        assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (65534, group, mode)


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    for name in "/dev/fd", "/proc/self/fd":  # as of /dev/stdout, and of a shell's >(…)
        reader, writer = os.pipe()
        path = Path(f"{name}/{writer}")
        check_writable(path)
        write_atomically(path, "new")
        os.close(writer)
        with os.fdopen(reader, "rb") as file:
            assert file.read() == b"new"
    fifo, link = tmp_path / "fifo", tmp_path / "link"
    os.mkfifo(fifo)
    link.symlink_to(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    write_atomically(link, "new")
    assert os.read(reader, 9) == b"new"
    os.close(reader)


def test_a_socket_that_cannot_be_written_to_is_refused_before_the_work(tmp_path: Path) -> None:
    one, other = socket.socketpair()
    with one, other, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        for path in (Path(f"/dev/fd/{one.fileno()}"), tmp_path / "socket"):
            with pytest.raises(OutputError, match="cannot be written: this is a socket"):
                check_writable(path)


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="file: cannot be written: No space left on device"):
        write_atomically(tmp_path / "file", "new")
    assert list(tmp_path.iterdir()) == []
