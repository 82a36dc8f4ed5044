"""Addresses that hooks tell: real servers, among them some that answer wrongly, slowly or not at all."""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from edge.hooks.failure import HookFailureError
from edge.hooks.post import post
from tests.broker import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENT = b'{"type":"changed"}'


class Server:
    """Answers each connection with the same bytes, and keeps what it was sent."""

    def __init__(self, answer: bytes, drip_s: float | None = None) -> None:
        self.requests: list[bytes] = []
        self._answer, self._drip_s = answer, drip_s
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._listening.shutdown(socket.SHUT_RDWR)  # which, unlike closing it, wakes who waits in accept
        self._thread.join()
        self._listening.close()

    def _serve(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                self._answer_one(connection)

    def _answer_one(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        request = b""
        try:
            while not request.endswith(EVENT):
                if not (part := connection.recv(4096)):
                    return
                request += part
            self.requests.append(request)
            if self._drip_s is None:
                connection.sendall(self._answer)
                return
            for byte in self._answer:
                connection.sendall(bytes([byte]))
                if self._ended.wait(self._drip_s):
                    return
        except OSError:
            return


@pytest.fixture
def cancel() -> Iterator[int]:
    descriptor = os.eventfd(0)
    yield descriptor
    os.close(descriptor)


def failure(url: str, cancel: int, limit_s: float = 30.0) -> str:
    with pytest.raises(HookFailureError) as caught:
        post(url, EVENT, limit_s, cancel)
    return str(caught.value)


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "204 No Content"])
def test_the_event_is_posted_as_json(status: str, cancel: int) -> None:
    with closing(Server(f"HTTP/1.1 {status}\r\n\r\n".encode())) as server:
        post(f"http://127.0.0.1:{server.port}/api/hook?a=1&b=%20#part", EVENT, 30, cancel)
    (request,) = server.requests
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /api/hook?a=1&b=%20 HTTP/1.1"
    assert "Content-Type: application/json" in lines
    assert f"Content-Length: {len(EVENT)}" in lines
    assert body == EVENT


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "answers 404"),
        (b"HTTP/1.1 500 No\r\n\r\n", "answers 500"),
        (b"HTTP/1.1 301 Moved\r\nLocation: /other\r\n\r\n", "answers 301: it is somewhere else now; write the address"),
        (b"SSH-2.0-OpenSSH\r\n", "cannot be reached: SSH-2.0-OpenSSH"),
        (b"", "cannot be reached: Remote end closed connection without response"),
    ],
)
def test_an_answer_that_is_none_is_a_failure(answer: bytes, said: str, cancel: int) -> None:
    with closing(Server(answer)) as server:
        assert failure(f"http://127.0.0.1:{server.port}/", cancel).startswith(said)
    assert len(server.requests) == 1


def test_nobody_there(cancel: int) -> None:
    assert failure(f"http://127.0.0.1:{free_port()}/", cancel) == "cannot be reached: Connection refused"
    # Where no name server answers, the system asks again and again for half a minute and more.
    assert failure("http://no-such-host.invalid/", cancel, limit_s=1000).startswith("cannot be reached: ")


def test_the_limit_is_one_for_the_whole_answer(cancel: int) -> None:
    drips = b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100
    for server in (Server(drips, drip_s=0.05), Server(b"HTTP", drip_s=1000)):
        with closing(server):
            assert failure(f"http://127.0.0.1:{server.port}/", cancel, limit_s=0.5) == "no answer within 0.5 s"


def resolve(monkeypatch: pytest.MonkeyPatch, *ports: int) -> list[tuple[str, int]]:
    """Have every name lead to these ports of this machine; return what is looked up."""
    asked: list[tuple[str, int]] = []

    def look_up(host: str, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
        asked.append((host, port))
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port)) for port in ports]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


@pytest.fixture
def silent() -> Iterator[int]:
    """Return a port that answers no attempt to connect, because too many wait there already."""
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as listening,
        socket.socket() as first,
        socket.socket() as more,
    ):
        for each in (first, more):
            each.setblocking(False)  # noqa: FBT003  # its only argument
            each.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]


def test_the_limit_is_one_for_all_addresses_of_a_host(
    silent: int, cancel: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve(monkeypatch, *[silent] * 40)
    began_s = time.monotonic()
    assert failure("http://home/", cancel, limit_s=0.5) == "no answer within 0.5 s"
    assert time.monotonic() - began_s < 10  # not 20


def test_an_address_that_does_not_answer_leaves_time_for_the_others(
    silent: int, cancel: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Server(b"HTTP/1.1 200 OK\r\n\r\n")) as server:
        resolve(monkeypatch, silent, *[server.port] * 19)
        post("http://home/", EVENT, 10, cancel)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("url", "port"), [("http://[fd00::8123]/x", 80), ("https://[fd00::8123]/x", 443), ("http://[fd00::8123]:81/x", 81)]
)
def test_the_last_group_of_an_ipv6_address_is_no_port(
    url: str, port: int, cancel: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = resolve(monkeypatch, free_port())
    failure(url, cancel)
    assert asked == [("fd00::8123", port)]


@pytest.mark.parametrize("host", ["[fd00::8123]", "[fd00::8123]:81", "home", "home:81"])
def test_the_host_is_told_as_in_the_address(host: str, cancel: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Server(b"HTTP/1.1 200 OK\r\n\r\n")) as server:
        resolve(monkeypatch, server.port)
        post(f"http://{host}/x", EVENT, 30, cancel)
    assert f"\r\nHost: {host}\r\n" in server.requests[0].decode()


def test_without_a_thread_for_the_limit_nothing_is_posted(cancel: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_thread(_thread: threading.Thread) -> None:
        message = "can't start new thread"
        raise RuntimeError(message)

    with closing(Server(b"HTTP/1.1 200 OK\r\n\r\n")) as server:
        monkeypatch.setattr(threading.Thread, "start", no_thread)
        assert failure(f"http://127.0.0.1:{server.port}/", cancel) == "cannot be run: no thread is left"
    assert server.requests == []


def test_a_stop_waits_for_no_answer(cancel: int) -> None:
    with closing(Server(b"HTTP", drip_s=1000)) as server:
        threading.Timer(0.2, os.eventfd_write, (cancel, 1)).start()
        assert "cannot be reached" in failure(f"http://127.0.0.1:{server.port}/", cancel, limit_s=1000)


def test_tls_is_spoken_and_a_plain_server_is_none(cancel: int) -> None:
    with closing(Server(b"HTTP/1.1 200 OK\r\n\r\n")) as server:
        began_s = time.monotonic()
        assert failure(f"https://127.0.0.1:{server.port}/", cancel, limit_s=1).startswith(("cannot", "no answer"))
    assert time.monotonic() - began_s < 30
    assert server.requests == []
