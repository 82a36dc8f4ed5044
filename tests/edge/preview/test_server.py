"""Requests that are wrong, hostile, too many or too slow."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from edge.config import PreviewConfig
from edge.errors import ConfigError, ExitCode
from edge.preview.pages import page_files
from edge.preview.server import MOST_CONNECTIONS
from edge.preview.service import PreviewService
from tests.broker import wait_until
from tests.edge.preview.conftest import MODEL, ONLINE
from tests.edge.preview.viewer import Viewer, ask

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.edge.preview.conftest import Window

TOKEN = "a-token-of-the-owner"  # noqa: S105  # of a test


def raw(port: int, request: bytes) -> bytes:
    """Send bytes and return the whole answer."""
    with contextlib.closing(socket.create_connection(("127.0.0.1", port), 30)) as connection:
        connection.sendall(request)
        answer = b""
        while part := connection.recv(65536):
            answer += part
        return answer


@pytest.fixture
def guarded(open_window: Callable[..., Window], tmp_path: Path) -> Window:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    return open_window(token_file=file)


def test_each_file_of_the_page_has_the_headers_that_keep_it_to_itself(window: Window) -> None:
    for path in page_files():
        status, headers, content = ask(window.port, path)
        assert status == 200
        assert content
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';")
        assert "unsafe" not in policy
        assert "http" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Origin" not in headers
        assert "Python" not in headers["Server"]
    assert ask(window.port, "/", "HEAD")[2] == b""
    assert ask(window.port, "/?from=a-bookmark")[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/../../../etc/passwd",
        "/page/../../window.py",
        "/..%2f..%2fetc%2fpasswd",
        "/%2e%2e/window.py",
        "//etc/passwd",
        "/page.css/",
        "/page.css%00.html",
        "/./page.css",
        "/index.html",
        "/page",
        "\\..\\window.py",
        "http://127.0.0.1/stream",
        "/stream/",
        "/STREAM",
        "/" + "a" * 4000,
    ],
)
def test_no_other_path_leads_anywhere(window: Window, path: str) -> None:
    answer = raw(window.port, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.0 404 ")
    assert answer.endswith(b"\r\n\r\nThere is nothing here. The preview is at /\n")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc", b"405"),
        (b"OPTIONS /stream HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\r\n", b"405"),
        (b"DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"405"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/9.9.9\r\n\r\n", b"400"),
        (b"GET / HTTP/3.0\r\n\r\n", b"505"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 TLS\r\n\r\n", b"400"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 99 + b"X: y\r\n" * 9 + b"\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nCookie: " + b"c" * 20_000 + b"\r\n\r\n", b"431"),
    ],
)
def test_what_is_no_request_gets_a_sentence(window: Window, request_: bytes, status: bytes) -> None:
    with contextlib.closing(socket.create_connection(("127.0.0.1", window.port), 30)) as connection:
        connection.sendall(request_)
        answer = b""
        with contextlib.suppress(ConnectionResetError):  # what is not read of a long request resets it
            while part := connection.recv(65536):
                answer += part
    if answer or len(request_) < 10_000:
        assert status in answer.splitlines()[0]
        assert b"<" not in answer
        assert answer.endswith(b"The preview answers GET and HEAD.\n")
    assert ask(window.port)[0] == 200


def test_a_token_is_asked_for_and_a_wrong_one_is_refused(guarded: Window, caplog: pytest.LogCaptureFixture) -> None:
    assert ask(guarded.port)[0] == 200  # the page, on which it is asked for
    status, headers, content = ask(guarded.port, "/stream")
    assert (status, content) == (401, b"The preview asks for its token.\n")
    assert headers["WWW-Authenticate"].startswith("Bearer ")
    for wrong in ("Bearer wrong", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer \xff", f"Basic {TOKEN}"):
        status, _, content = ask(guarded.port, "/stream", Authorization=wrong)
        assert status == 401, wrong
        assert TOKEN.encode() not in content
    assert ask(guarded.port, f"/stream?token={TOKEN}")[0] == 401  # addresses are kept in histories and logs
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert told == ["a wrong token came from 127.0.0.1: the preview was not shown"]
    assert all(TOKEN not in record.getMessage() for record in caplog.records)
    with Viewer(guarded.port, TOKEN) as viewer:
        assert viewer.answer.status == 200
        viewer.next("status")
        guarded.show()
        assert viewer.next("frame")[1]


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_a_client_is_named_as_a_person_knows_it(
    open_window: Callable[..., Window], caplog: pytest.LogCaptureFixture
) -> None:
    """A socket that takes IPv6 and IPv4 names 192.168.1.5 ::ffff:192.168.1.5."""
    window = open_window(address="[::]:0")
    assert ask(window.port, "/stream", Authorization="Bearer wrong")[0] == 401
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert told == ["a wrong token came from 127.0.0.1: the preview was not shown"]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "192.168.1.5", "", "127.0.0.1.evil.example", "[::2]"]
)
def test_a_foreign_name_that_leads_here_shows_nothing(window: Window, host: str) -> None:
    """DNS rebinding: a web page's own name begins to lead to 127.0.0.1."""
    for path in ("/", "/stream"):
        status, _, content = ask(window.port, path, Host=host)
        assert status == 421
        assert content.startswith(b"Without a token the preview is at 127.0.0.1 or localhost only")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "localhost:9999", "[::1]:80", "LOCALHOST"])
def test_a_tunnel_may_have_another_port(window: Window, host: str) -> None:
    assert ask(window.port, "/", Host=host)[0] == 200


def test_another_page_of_the_same_browser_gets_no_picture(window: Window) -> None:
    for site in ("cross-site", "same-site"):
        status, _, content = ask(window.port, "/stream", Sec_Fetch_Site=site)
        assert (status, content) == (403, b"The preview is shown to its own page only.\n")
    with Viewer(window.port) as viewer:
        assert viewer.answer.status == 200


def test_a_hundred_requests_at_once_are_all_answered(window: Window) -> None:
    together = threading.Barrier(100)

    def one(_: int) -> tuple[int, bytes]:
        together.wait(30)
        answer = ask(window.port, "/page.js")
        return answer[0], answer[2]

    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(one, range(100)))
    assert {status for status, content in answers} <= {200, 503}
    assert sum(status == 200 for status, content in answers) >= MOST_CONNECTIONS
    busy = {content for status, content in answers if status == 503}
    assert busy <= {b"Too many connections at once. Try again in two seconds.\n"}
    assert ask(window.port)[0] == 200


def test_who_sends_nothing_takes_a_place_for_a_while_only(window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.preview.server._REQUEST_S", 0.5)
    threads = threading.active_count()
    silent = [socket.create_connection(("127.0.0.1", window.port), 30) for _ in range(3 * MOST_CONNECTIONS)]
    over = threading.Event()

    def drip() -> None:
        """Send a byte now and then, so that no wait for one is long."""
        while not over.wait(0.05):
            for each in silent:
                with contextlib.suppress(OSError):
                    each.send(b"G")

    dripping = threading.Thread(target=drip)
    dripping.start()
    try:
        assert threading.active_count() <= threads + 1 + MOST_CONNECTIONS
        wait_until(lambda: ask(window.port)[0] == 200)
    finally:
        over.set()
        dripping.join()
        for each in silent:
            each.close()


def test_a_stop_closes_it_at_once_though_people_look_and_dawdle(window: Window) -> None:
    with Viewer(window.port) as viewer, contextlib.closing(socket.create_connection(("127.0.0.1", window.port))):
        viewer.next("status")
        port, began_s = window.port, time.monotonic()
        window.preview.close()
        assert time.monotonic() - began_s < 10
        wait_until(lambda: all(thread.name != "preview" for thread in threading.enumerate()))
    with pytest.raises(ConnectionRefusedError):
        ask(port)


def test_a_port_in_use_is_named(window: Window, tmp_path: Path) -> None:
    config = PreviewConfig(enabled=True, address=f"127.0.0.1:{window.port}")
    with pytest.raises(ConfigError) as caught:
        PreviewService(config, tmp_path, "kitchen", ONLINE, MODEL)
    assert caught.value.exit_code is ExitCode.CONFIGURATION
    said = f"127.0.0.1:{window.port}: another program uses port {window.port}; name another: --preview 127.0.0.1:"
    assert str(caught.value).startswith(f"preview.address: {said}")


@pytest.mark.parametrize("address", ["192.0.2.1:0", "[2001:db8::1]:0"])
def test_an_address_that_the_machine_does_not_have_yet_costs_a_warning(
    open_window: Callable[..., Window], tmp_path: Path, caplog: pytest.LogCaptureFixture, address: str
) -> None:
    """After a boot the daemon may be there before the network; systemd does not restart a wrong configuration."""
    file = tmp_path / "token"
    file.write_text(TOKEN)
    window = open_window(address=address, token_file=file)
    assert window.preview.opened
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warning.startswith(f"preview.address: {address}: this machine does not have this address now; ")


def test_an_address_that_the_machine_has_is_no_warning(window: Window, caplog: pytest.LogCaptureFixture) -> None:
    assert window.preview.opened
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == []


def test_a_defect_ends_one_answer_alone(
    window: Window, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("edge.preview.access.Access.refusal", lambda *_, **__: 1 / 0)
    for _ in range(3):
        assert raw(window.port, b"GET / HTTP/1.0\r\n\r\n") == b""
    monkeypatch.undo()
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [
        "the preview failed to answer 127.0.0.1"
    ]
    assert ask(window.port)[0] == 200
