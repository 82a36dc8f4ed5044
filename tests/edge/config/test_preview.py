"""The preview's settings, as users write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edge.config import ListenAddress, Settings, load, parse_listen, show
from edge.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

EVERYWHERE = "0.0.0.0"  # noqa: S104  # an address in a text


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1", "127.0.0.1", 8090),
        ("127.0.0.1:9000", "127.0.0.1", 9000),
        ("9000", "127.0.0.1", 9000),
        ("0", "127.0.0.1", 0),
        ("localhost", "127.0.0.1", 8090),
        ("localhost:80", "127.0.0.1", 80),
        ("0.0.0.0:8090", EVERYWHERE, 8090),
        ("::1", "::1", 8090),
        ("[::1]", "::1", 8090),
        ("[2001:DB8::1]:9000", "2001:db8::1", 9000),
        ("::", "::", 8090),
    ],
)
def test_an_address_is_read_as_people_write_it(text: str, host: str, port: int) -> None:
    listen = parse_listen(text)
    assert (listen.host, listen.port) == (host, port)
    assert parse_listen(str(listen)) == listen


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        ":9000",
        "kitchen.local",
        "kitchen:8090",
        "127.0.0.1:",
        "127.0.0.1:x",
        "127.0.0.1:65536",
        "1:2",
        "[::1",
        "::1:9000:x",
        "http://127.0.0.1:8090",
        "127.0.0.1:8090/x",
        "127.0.0.1 :8090",
        "99999",
        "0x50",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"127\.0\.0\.1:8090"):
        parse_listen(text)


@pytest.mark.parametrize(
    ("host", "alone"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        (EVERYWHERE, False),
        ("::", False),
        ("192.168.1.5", False),
    ],
)
def test_only_loopback_is_for_this_machine_alone(host: str, alone: bool) -> None:  # noqa: FBT001  # a parameter
    assert ListenAddress(host, 8090).is_loopback is alone


def test_it_is_off_and_for_this_machine_unless_told_otherwise() -> None:
    preview = Settings().preview
    assert not preview.enabled
    assert preview.listen.is_loopback
    assert preview.minutes == 10


def test_the_address_is_shown_and_the_name_of_a_token_without_a_folder_is_not(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[preview]\naddress = 9000\ntoken_file = "correct-horse-battery"\n')
    text = show(load(file, {"EMOTION_EDGE_PREVIEW__ADDRESS": EVERYWHERE}, {}))
    assert 'address = "0.0.0.0:8090"\n' in text
    assert "correct-horse" not in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("address = 'kitchen:1'", "preview.address: '…': not an address to listen on; write ADDRESS:PORT"),
        ("address = 65536", "preview.address: 65536: must be a text"),
        ("minutes = 0", "preview.minutes: 0: must be greater than 0"),
        ("minutes = 1441", "preview.minutes: 1441: must be at most 1,440"),
        ("token = 'x'", "preview.token: there is no such key; did you mean token_file?"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f"[preview]\n{text}\n")
    with pytest.raises(ConfigError, match=r"preview\.") as caught:
        load(file, {}, {})
    assert said in str(caught.value)
