"""Write the JSON Schemas of everything that goes over the wire: ``python -m edge.wire.schemas FOLDER``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from edge.files import write_atomically
from edge.wire.payload_types import PAYLOADS


def texts() -> dict[str, str]:
    """Return each schema's text by its file's name."""
    return {f"{name}.json": json.dumps(kind.json_schema(), indent=1) + "\n" for name, kind in PAYLOADS.items()}


if __name__ == "__main__":
    for name, text in texts().items():
        write_atomically(Path(sys.argv[1]) / name, text)
