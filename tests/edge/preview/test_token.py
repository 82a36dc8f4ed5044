from __future__ import annotations

import errno
import stat
from typing import TYPE_CHECKING

import pytest

from edge.config import PreviewConfig
from edge.errors import ConfigError
from edge.preview.token import FILE, required_token

if TYPE_CHECKING:
    from pathlib import Path

EVERYWHERE = "0.0.0.0:8090"


def test_this_machine_alone_needs_none(tmp_path: Path) -> None:
    assert required_token(PreviewConfig(), tmp_path) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("address", [EVERYWHERE, "[::]:8090", "192.168.1.5"])
def test_one_is_made_where_others_can_connect_and_kept_for_this_user(tmp_path: Path, address: str) -> None:
    config, state = PreviewConfig(address=address), tmp_path / "state"
    token = required_token(config, state)
    assert token
    assert len(token.text) >= 24
    assert token.file == state / FILE
    assert stat.S_IMODE(token.file.stat().st_mode) == 0o600
    assert required_token(config, state) == token  # a bookmark still works after a restart
    assert required_token(config, tmp_path / "other") != token


def test_a_named_one_is_asked_for_on_this_machine_too(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes(b"sixteen-or-more!\r\n")
    token = required_token(PreviewConfig(token_file=file), tmp_path)
    assert token
    assert token.text == "sixteen-or-more!"


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"short", b"with a blank in it", b"two-lines-of-it\n2", b"\xff" * 20, "ü".encode() * 20],
)
def test_what_is_no_token_is_refused_without_repeating_it(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=r"openssl rand -hex 16 makes one$") as caught:
        required_token(PreviewConfig(token_file=file), tmp_path)
    assert str(caught.value).startswith(f"preview.token_file: {file}: not a token")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"No such file or directory; name a file that holds the token"):
        required_token(PreviewConfig(token_file=tmp_path / "absent"), tmp_path)
    with pytest.raises(ConfigError, match="not a regular file"):
        required_token(PreviewConfig(token_file=tmp_path), tmp_path)


def test_a_folder_that_takes_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("this is no folder")
    with pytest.raises(ConfigError, match=r"a token is needed for 0\.0\.0\.0:8090, and none can be made in .*: "):
        required_token(PreviewConfig(address=EVERYWHERE), tmp_path / "state")


def test_a_folder_that_is_closed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(path: Path, **_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("pathlib.Path.stat", closed)
    monkeypatch.setattr("pathlib.Path.lstat", closed)
    monkeypatch.setattr("pathlib.Path.mkdir", closed)
    with pytest.raises(ConfigError, match="Permission denied"):
        required_token(PreviewConfig(address=EVERYWHERE), tmp_path / "state")
