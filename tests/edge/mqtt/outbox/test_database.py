from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from edge.mqtt.outbox import rows
from edge.mqtt.outbox.database import Database, StoredEvent
from edge.mqtt.outbox.database_files import set_aside
from edge.mqtt.outbox.errors import DamagedError, StoreError, UnfitError
from edge.mqtt.outbox.rescue import salvage

if TYPE_CHECKING:
    from pathlib import Path

HERE = "mqtt://here:1883/emotion-edge/test"

PAYLOADS = {number: f'{{"sequence": {number}, "text": "{"ä" * 300}"}}' for number in range(40)}


def fill(path: Path) -> None:
    with contextlib.closing(Database.open(path, HERE)) as store:
        store.write([(n, n / 2, payload) for n, payload in PAYLOADS.items()], (), boot="b", wall_s=100.0)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with events that a test copies."""
    path = tmp_path_factory.mktemp("store") / "outbox.sqlite"
    fill(path)
    return path


def test_what_is_written_is_there_after_opening_anew(tmp_path: Path) -> None:
    path = tmp_path / "made" / "for" / "it" / "outbox.sqlite"
    with contextlib.closing(Database.open(path, HERE)) as store:
        store.write([(3, 1.5, "three"), (4, 2.5, "four")], (), boot="first", wall_s=10.0)
    with contextlib.closing(Database.open(path, HERE)) as store:
        store.write([(7, 0.5, "seven")], [3, 99], boot="second", wall_s=20.0)
        store.write([(8, 0.7, "eight")], (), boot="second", wall_s=21.0)
        rows = [(4, "first", 2.5), (7, "second", 0.5), (8, "second", 0.7)]
        assert store.events(-1, 9) == [StoredEvent(*row, HERE) for row in rows]
        assert store.events(4, 1) == [StoredEvent(*rows[1], HERE)]
        assert (store.highest_id(), store.ids()) == (8, [4, 7, 8])
        assert store.boots() == {"first": 10.0, "second": 21.0}
        assert store.read([3, 4, 8]) == {4: "four", 8: "eight"}


def test_every_commit_is_synced_and_goes_to_the_log(tmp_path: Path) -> None:
    with contextlib.closing(Database.open(tmp_path / "outbox.sqlite", HERE)) as store:
        ask = store._db.execute  # noqa: SLF001  # of this connection only
        assert ask("PRAGMA journal_mode").fetchone() == ("wal",)
        assert ask("PRAGMA synchronous").fetchone() == (2,)
        assert ask("PRAGMA secure_delete").fetchone() == (1,)


def test_an_emptied_file_keeps_nothing_of_what_it_held(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    fill(path)
    with contextlib.closing(Database.open(path, HERE)) as store:
        store.write((), PAYLOADS, boot="b", wall_s=0.0)
    assert "ääää".encode() not in path.read_bytes()
    assert path.stat().st_size < 25_000


def test_another_process_cannot_open_it_and_leaves_it_whole(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    fill(path)
    code = (
        "import sys, pathlib; from edge.mqtt.outbox.database import Database; "
        "Database.open(pathlib.Path(sys.argv[1]), '')"
    )
    with contextlib.closing(Database.open(path, HERE)) as store:
        other = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=False)
        assert "StoreError: another process has it, perhaps a daemon of the same name" in other.stderr
        store.write([(100, 0.0, "still mine")], (), boot="b", wall_s=0.0)
        assert len(store.read(PAYLOADS)) == len(PAYLOADS)


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "home-assistant.db"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE states(id)")
    path.chmod(0o664)
    before = path.read_bytes()
    with pytest.raises(UnfitError, match="another program"):
        Database.open(path, HERE)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (before, 0o664)


@pytest.mark.parametrize("content", [b"not a database" * 100, b"SQLite format 3\0" + bytes(4096)])
def test_what_is_no_database_is_damaged(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "outbox.sqlite"
    path.write_bytes(content)
    with pytest.raises(DamagedError):
        Database.open(path, HERE)


def test_a_newer_version_is_refused_with_a_sentence_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    fill(path)
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 7")
    before = path.read_bytes()
    with pytest.raises(UnfitError, match=r"newer version of emotion-edge.*version 7, this one knows 2.*kept as it is"):
        Database.open(path, HERE)
    assert path.read_bytes() == before


def test_a_version_that_there_never_was_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    fill(path)
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 0")
    with pytest.raises(DamagedError, match="version 0"):
        Database.open(path, HERE)


VERSION_1 = f"""
CREATE TABLE boots(number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, wall_s REAL NOT NULL);
CREATE TABLE events(id INTEGER PRIMARY KEY, boot INTEGER NOT NULL, added_s REAL NOT NULL, payload TEXT NOT NULL,
                    checksum INTEGER NOT NULL);
INSERT INTO boots VALUES(1, 'b', 100.0);
INSERT INTO events VALUES(5, 1, 2.5, '{{}}', {zlib.crc32(b"{}")});
PRAGMA application_id={0x454D4F45};
PRAGMA user_version=1;
"""


def test_an_older_version_is_upgraded_and_its_events_are_for_the_broker_of_now(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript(VERSION_1)
    with contextlib.closing(Database.open(path, HERE)) as store:
        assert store.events(-1, 9) == [StoredEvent(5, "b", 2.5, HERE)]
    with contextlib.closing(Database.open(path, "mqtt://there:1883/emotion-edge/test")) as store:
        store.write([(6, 3.5, "6")], (), boot="b", wall_s=0.0)
        assert [row.destination for row in store.events(-1, 9)] == [HERE, "mqtt://there:1883/emotion-edge/test"]
        assert store.read([5, 6]) == {5: "{}", 6: "6"}


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=300), st.none() | st.floats(0, 1))
@example(0.0, bytes(100), None)
@example(0.5, b"x", None)
def test_whatever_is_damaged_nothing_false_comes_out(
    full: Path, tmp_path: Path, where: float, garbage: bytes, cut: float | None
) -> None:
    content = bytearray(full.read_bytes())
    begin = int(where * len(content))
    content[begin : begin + len(garbage)] = garbage
    path = tmp_path / "outbox.sqlite"
    for old in tmp_path.iterdir():
        old.unlink()
    path.write_bytes(content if cut is None else content[: int(cut * len(content))])
    with contextlib.suppress(StoreError), contextlib.closing(Database.open(path, HERE)) as store:
        found = store.read(row.id for row in store.events(-1, 1000))
        assert found.items() <= PAYLOADS.items()


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=300))
@example(0.0, bytes(100))
@example(0.5, b"\xff")
def test_what_is_saved_of_a_damaged_file_is_true(full: Path, tmp_path: Path, where: float, garbage: bytes) -> None:
    for old in tmp_path.iterdir():
        old.unlink()
    path = tmp_path / "outbox.sqlite"
    content = bytearray(full.read_bytes())
    begin = int(where * len(content))
    content[begin : begin + len(garbage)] = garbage
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(UnfitError):
        patch.setattr(rows, "_HOLE", 100)
        _, copied = salvage(path, HERE)
        with contextlib.closing(Database.open(path, HERE)) as store:
            assert store.read(copied.saved).items() <= PAYLOADS.items()
            assert {row.id for row in store.events(-1, 1000)} == copied.saved


def test_many_damaged_files_do_not_fill_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    for number in range(6):
        path.write_text(str(number))
        (tmp_path / "outbox.sqlite-wal").touch()
        set_aside(path)
    aside = {file.name: file.read_text() for file in tmp_path.iterdir() if not file.name.endswith("-wal")}
    assert aside == {f"outbox.sqlite.damaged-{n}": text for n, text in ((1, "0"), (2, "1"), (3, "5"))}
    assert not (tmp_path / "outbox.sqlite-wal").exists()


def test_a_write_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    with contextlib.closing(Database.open(path, HERE)) as store:
        store.write([(0, 0.0, "kept")], (), boot="b", wall_s=0.0)
        store._db.execute(f"PRAGMA max_page_count = {store._db.execute('PRAGMA page_count').fetchone()[0]}")  # noqa: SLF001
        with pytest.raises(StoreError, match="full"):
            store.write([(n, 0.0, "x" * 2000) for n in range(1, 9)], [0], boot="b", wall_s=0.0)
        assert store.read(range(9)) == {0: "kept"}
        store.write((), [0], boot="b", wall_s=0.0)
        assert store.ids() == []
