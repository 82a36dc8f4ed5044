"""Damaged zip archives: what they say of themselves is right, but one's data do not unpack."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_WRONG = {zipfile.ZIP_DEFLATED: 0, zipfile.ZIP_BZIP2: 0, zipfile.ZIP_LZMA: 9}
"""By method: which byte of the data may not be 255."""

METHODS = tuple(_WRONG)


def damaged_archive(members: Mapping[str, bytes], method: int) -> bytes:
    """Return an archive of these members, each of which fails to unpack by this method."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        starts = [member.header_offset + 30 + len(member.filename) for member in archive.infolist()]
    whole = bytearray(buffer.getvalue())
    for start in starts:
        whole[start + _WRONG[method]] = 255
    return bytes(whole)
