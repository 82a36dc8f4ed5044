from __future__ import annotations

import os
import shutil
import signal
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.errors import BundleError, OutputError
from edge.files import write_own
from edge.inference.bundle import SHIPPED, BundleFiles, read_files
from edge.inference.store import Choice, ModelStore
from edge.inference.trial import try_bundle
from edge.system.owner import acting_as_owner, other_owner

if TYPE_CHECKING:
    from pathlib import Path

TINY = SHIPPED.with_name("emotion-tiny.tflite")
NOBODY = 65534

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root acts as another user")


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "state")


def test_an_added_bundle_is_found_beside_the_shipped_ones(store: ModelStore) -> None:
    files = read_files(TINY)
    assert store.names[0] == "emotion"
    assert "mine" not in store.names
    assert store.add("mine", files)
    assert store.names[-1] == "mine"
    assert read_files(store.find("mine")).content == files.content
    assert not store.add("mine", files)  # again


def test_a_name_never_gets_other_content(store: ModelStore) -> None:
    store.add("mine", read_files(TINY))
    with pytest.raises(BundleError, match="another model of this name"):
        store.add("mine", read_files(SHIPPED))
    store.remove("mine")
    assert store.add("mine", read_files(SHIPPED))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("emotion", "the name of a shipped model"),
        ("../x", "a name has"),
        (".x", "a name has"),
        ("x\n", "a name has"),
        ("", "a name has"),
        ("x" * 65, "a name has"),
    ],
)
def test_a_name_that_cannot_be_one_is_refused(store: ModelStore, tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(BundleError, match=said):
        store.add(name, read_files(TINY))
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_without_its_card_does_not_exist(store: ModelStore, tmp_path: Path) -> None:
    """A power cut between the two files leaves the first."""
    folder = tmp_path / "state/models"
    folder.mkdir(parents=True)
    shutil.copy(SHIPPED, folder / "mine.tflite")
    assert "mine" not in store.names
    with pytest.raises(BundleError, match="mine: there is no such model; there are emotion, "):
        store.find("mine")
    assert store.add("mine", read_files(TINY))
    assert read_files(store.find("mine")).content == TINY.read_bytes()


def test_a_choice_outlives_the_process_and_can_be_taken_back(store: ModelStore, tmp_path: Path) -> None:
    assert store.choice is None
    store.add("mine", read_files(TINY))
    store.choose("emotion-tiny")
    store.choose("mine")
    store.choose("mine")
    assert ModelStore(tmp_path / "state").choice == Choice("mine", "emotion-tiny")
    assert store.go_back() == "emotion-tiny"
    assert store.choice == Choice("emotion-tiny")
    assert store.go_back() == "emotion"
    with pytest.raises(BundleError, match="no such model"):
        store.choose("absent")
    assert store.choice == Choice("emotion")


def test_the_chosen_and_the_shipped_ones_are_not_removed(store: ModelStore) -> None:
    store.add("mine", read_files(TINY))
    store.choose("mine")
    with pytest.raises(BundleError, match="mine: this model is chosen"):
        store.remove("mine")
    with pytest.raises(BundleError, match="shipped models stay"):
        store.remove("emotion-tiny")


@pytest.mark.parametrize("content", [b"", b"x", b"[]", b'{"model": 3, "previous": null}', b"[" * 2000])
def test_a_choice_that_cannot_be_read_is_none(
    store: ModelStore, tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state/model.json").write_bytes(content)
    assert store.choice is None
    assert "model.json: this does not say which model to use" in caplog.text


def test_why_a_choice_cannot_be_read_is_said(
    store: ModelStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state/model.json").mkdir(parents=True)
    assert store.choice is None
    assert "model.json: cannot be read (this is not a regular file)" in caplog.text


def test_what_cannot_be_written_is_said(store: ModelStore, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(OutputError, match="models: cannot be written"):
        store.add("mine", read_files(TINY))
    with pytest.raises(OutputError, match="state"):
        store.choose("emotion-tiny")


def test_a_network_whose_card_cannot_be_written_does_not_stay(
    store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_after_the_network(path: Path, content: bytes) -> None:
        if path.suffix == ".json":
            message = f"{path}: cannot be written: No space left on device"
            raise OutputError(message)
        write_own(path, content)

    monkeypatch.setattr("edge.inference.store.write_own", full_after_the_network)
    with pytest.raises(OutputError, match="No space left"):
        store.add("mine", read_files(TINY))
    assert list((tmp_path / "state/models").iterdir()) == []


def face(files: BundleFiles) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    return np.full((files.card.input.height, files.card.input.width), 128, np.uint8)


def test_a_bundle_is_tried_in_a_process_of_its_own() -> None:
    files = read_files(TINY)
    trial = try_bundle(files, face(files))
    assert trial.emotion in files.card.labels
    assert 0 < trial.probability <= 1
    assert trial.milliseconds > 0


def test_a_network_that_does_not_load_is_refused() -> None:
    files = read_files(TINY)
    broken = BundleFiles(files.path, files.content[:5000], files.card_text, files.card)
    with pytest.raises(BundleError, match=r"emotion-tiny\.tflite"):
        try_bundle(broken, face(files))


def test_a_crash_of_the_runtime_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nkill -SEGV $$\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    files = read_files(TINY)
    with pytest.raises(BundleError, match=f"crashes the runtime .{signal.SIGSEGV.name}"):
        try_bundle(files, face(files))


@needs_root
def test_the_bundle_is_not_loaded_as_root() -> None:
    files = read_files(TINY)
    assert try_bundle(files, face(files), (NOBODY, NOBODY)).emotion in files.card.labels


@needs_root
def test_root_writes_as_the_owner_of_the_folder(tmp_path: Path) -> None:
    for above in (tmp_path, *tmp_path.parents[:2]):
        above.chmod(above.stat().st_mode | 0o055)
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    os.chown(state, NOBODY, NOBODY)
    store = ModelStore(state)
    assert other_owner(state) == other_owner(state / "models") == (NOBODY, NOBODY)
    files = read_files(TINY)
    with acting_as_owner(state):
        store.add("mine", files)
        store.choose("mine")
    assert (os.geteuid(), os.getegid()) == (0, 0)
    found = sorted(state.rglob("*"))
    assert {(path.stat().st_uid, path.stat().st_gid, path.stat().st_mode & 0o077) for path in found} == {
        (NOBODY, NOBODY, 0)
    }
    assert [path.name for path in found] == ["model.json", "models", "mine.json", "mine.tflite"]


@needs_root
def test_a_link_in_the_folder_leads_root_nowhere(tmp_path: Path) -> None:
    for above in (tmp_path, *tmp_path.parents[:2]):
        above.chmod(above.stat().st_mode | 0o055)
    state, secret = tmp_path / "state", tmp_path / "secret"
    state.mkdir(mode=0o700)
    secret.mkdir(mode=0o700)  # root's
    (state / "models").symlink_to(secret)
    os.chown(state, NOBODY, NOBODY)
    store, files = ModelStore(state), read_files(TINY)
    with acting_as_owner(state), pytest.raises(OutputError, match="cannot be written"):
        store.add("mine", files)
    assert list(secret.iterdir()) == []


@needs_root
def test_a_link_in_place_of_an_instances_folder_leads_root_nowhere(tmp_path: Path) -> None:
    """The service's user owns the folder above, and can replace the instance's by a link."""
    for above in (tmp_path, *tmp_path.parents[:2]):
        above.chmod(above.stat().st_mode | 0o055)
    service, secret = tmp_path / "service", tmp_path / "secret"
    for folder in (service, secret):
        folder.mkdir(mode=0o700)
    os.chown(service, NOBODY, NOBODY)
    (service / "front").symlink_to(secret)  # root's, and root's link
    (secret / "model.json").write_text('{"model": "emotion-tiny", "previous": null}')
    state = service / "front"
    assert other_owner(state) == (NOBODY, NOBODY)  # as whom a model is tried
    store, files = ModelStore(state), read_files(TINY)
    with acting_as_owner(state):
        with pytest.raises(OutputError, match="cannot be written"):
            store.add("mine", files)
        assert store.choice is None
    assert [file.name for file in secret.iterdir()] == ["model.json"]


@needs_root
def test_roots_links_are_followed_to_the_first_folder_of_another_user(tmp_path: Path) -> None:
    """An administrator moved the state to where another user may put links."""
    home, state = tmp_path / "home", tmp_path / "state"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    (home / "there").symlink_to(tmp_path)
    (tmp_path / "link").symlink_to("home/there")
    state.symlink_to(tmp_path / "link")
    assert other_owner(state / "models") == (NOBODY, NOBODY)
    (tmp_path / "round").symlink_to("round")
    assert other_owner(tmp_path) is None
    assert other_owner(tmp_path / "absent/state") is None
    assert other_owner(tmp_path / "round/state") is None
