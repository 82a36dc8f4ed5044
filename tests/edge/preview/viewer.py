"""What a browser does with the preview, without one."""

from __future__ import annotations

import contextlib
import http.client
import json
import struct
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

WAIT_S = 30.0

Answer = tuple[int, dict[str, str], bytes]


def ask(port: int, path: str = "/", method: str = "GET", **headers: str) -> Answer:
    """Return status, headers and content of an answer; ``Sec_Fetch_Site=`` is the header Sec-Fetch-Site."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S)) as connection:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


class Viewer:
    """Somebody who looks."""

    def __init__(self, port: int, token: str | None = None, path: str = "/stream") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S)
        self._connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
        self.answer = self._connection.getresponse()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def records(self) -> Iterator[tuple[dict[str, Any], bytes]]:
        """Yield each record until the stream ends."""
        while len(lengths := self.answer.read(8)) == 8:
            text, picture = struct.unpack(">II", lengths)
            yield json.loads(self.answer.read(text)), self.answer.read(picture)

    def next(self, kind: str) -> tuple[dict[str, Any], bytes]:
        """Return the next record of a kind."""
        return next(found for found in self.records() if found[0]["kind"] == kind)

    def close(self) -> None:
        self.answer.close()
        self._connection.close()
