"""Certificates for a test's own use, from the openssl command."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.broker import HOST

if TYPE_CHECKING:
    from pathlib import Path

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")

_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-batch")


class Authority:
    """Signs certificates; its own is ``ca.pem``.

    Args:
        folder: A folder of the test's own.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subject = ("-subj", "/CN=authority", "-addext", "keyUsage=critical,keyCertSign")
        self._openssl("req", "-x509", *_NEW_KEY, *subject, "-keyout", "ca.key", "-out", "ca.pem")

    def sign(self, name: str, host: str = f"IP:{HOST}", days: int = 30) -> None:
        """Make NAME.pem with NAME.key.

        Args:
            name: Of the files, and the certificate's own.
            host: What it vouches for: ``IP:…`` or ``DNS:…``.
            days: How long it is valid; one below 0 is over.
        """
        (self.folder / "names").write_text(f"subjectAltName={host}\nauthorityKeyIdentifier=keyid\n", encoding="utf-8")
        self._openssl("req", *_NEW_KEY, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        signer = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names")
        request = ("x509", "-req", "-in", f"{name}.csr", *signer, "-out", f"{name}.pem")
        try:
            self._openssl(*request, "-days", str(days))
        except subprocess.CalledProcessError:
            if days >= 0:
                raise
            # OpenSSL 3.5 takes no negative days, but dates, which 3.0 does not know.
            self._openssl(*request, "-not_before", "20200101000000Z", "-not_after", "20200102000000Z")

    def options(self, name: str) -> list[str]:
        """Give the lines of mosquitto.conf for a broker with that certificate."""
        files = {"cafile": "ca.pem", "certfile": f"{name}.pem", "keyfile": f"{name}.key"}
        return [f"{option} {self.folder / file}" for option, file in files.items()]

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)
