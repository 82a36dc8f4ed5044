"""A network camera that speaks RTSP: Motion JPEG in RTP packets within the TCP connection (RFC 2326, 10.12)."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
import time
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

_SDP = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\nm=video 0 RTP/AVP 26\r\na=control:track\r\n"  # 26: JPEG


def _packets(pictures: Iterable[NDArray[np.uint8]]) -> Iterator[bytes]:
    """Let FFmpeg split the pictures into RTP packets, which it sends to a socket of ours."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        receiver.settimeout(0.05)
        with av.open(f"rtp://127.0.0.1:{receiver.getsockname()[1]}", "w", format="rtp") as container:
            stream: Any = None
            for index, gray in enumerate(pictures):
                if stream is None:
                    stream = container.add_stream("mjpeg", 15, options={"huffman": "default"})
                    stream.width, stream.height, stream.pix_fmt = gray.shape[1], gray.shape[0], "yuvj420p"
                    stream.codec_context.thread_count = 1  # more cut pictures into slices, which RTP does not carry
                picture = av.VideoFrame.from_ndarray(gray, format="gray").reformat(format="yuvj420p")
                picture.pts, picture.time_base = index, Fraction(1, 15)
                container.mux(stream.encode(picture))
                with contextlib.suppress(TimeoutError):
                    while True:
                        yield receiver.recv(65536)


class _Session(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while request := self._request():
            method, cseq = request
            head, body = "", ""
            if method == "DESCRIBE":
                head, body = "Content-Type: application/sdp\r\n", _SDP
            elif method == "SETUP":
                head = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n"
            elif method == "OPTIONS":
                head = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
            answer = f"RTSP/1.0 200 OK\r\nCSeq: {cseq}\r\n{head}Content-Length: {len(body)}\r\n\r\n{body}"
            self.wfile.write(answer.encode())
            if method == "PLAY":
                self._play()
                return

    def _request(self) -> tuple[str, str] | None:
        lines = []
        while line := self.rfile.readline().decode().strip():
            lines.append(line)
        if not lines:
            return None
        headers = dict(line.split(": ", 1) for line in lines[1:])
        return lines[0].split()[0], headers["CSeq"]

    def _play(self) -> None:
        server: Any = self.server
        with contextlib.suppress(OSError):  # the client has gone
            for packet in server.packets:
                if packet[1] & 0x7F == 26:  # not RTCP
                    self.wfile.write(b"$\0" + len(packet).to_bytes(2, "big") + packet)
                    if packet[1] & 0x80:  # the last one of a picture
                        time.sleep(server.pause_s)
            time.sleep(server.silent_s)


@contextlib.contextmanager
def rtsp_camera(pictures: Iterable[NDArray[np.uint8]], *, pause_s: float = 0, silent_s: float = 0) -> Iterator[str]:
    """Run a camera and return its host and port.

    Args:
        pictures: What it sends.
        pause_s: Seconds after each picture.
        silent_s: Seconds after the last one, before it hangs up.
    """
    packets = list(_packets(pictures))
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Session) as server:
        vars(server).update(
            packets=packets, pause_s=pause_s, silent_s=silent_s, daemon_threads=True, block_on_close=False
        )
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()
