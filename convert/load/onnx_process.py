"""onnx2tf in a process of its own: ``python -m convert.load.onnx_process SIMPLE.onnx NETWORK.tflite [INPUT]``."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path

import numpy as np

_SAMPLE = "calibration_image_sample_data_20x128x128x3_float32.npy"
"""What onnx2tf would download, to compare tensors with; it takes a file of this name that is there."""


def reason(printed: str) -> str:
    """Find in all that onnx2tf printed what it stumbled over."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", printed)
    operator = re.findall(r"ONNX OP name: (\S+)|onnx_op_name: (\S+)|Unsupported OP: (\S+)|op_type: (\S+)", plain)
    errors = re.findall(r"^(?:ERROR: |\w*Error: )(.+)$", plain, re.MULTILINE)
    names = [name for found in operator for name in found if name]
    where = f" at {names[-1]}" if names else ""
    return f"{errors[-1] if errors else 'it ended without a reason'}{where}"


def main(simple: Path, network: Path, channels_last: list[str]) -> None:
    """Convert, and keep of all that onnx2tf writes the one float network."""
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        np.save(_SAMPLE, np.random.default_rng(1).random((20, 128, 128, 3), np.float32))
        import onnx2tf  # noqa: PLC0415  # slow, and only when everything else is ready

        onnx2tf.convert(
            input_onnx_file_path=str(simple),
            output_folder_path="out",
            not_use_onnxsim=True,  # it has been through it
            keep_nwc_or_nhwc_or_ndhwc_input_names=channels_last or None,
            verbosity="error",
        )
        (found,) = Path("out").glob("*_float32.tflite")
        network.write_bytes(found.read_bytes())


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), sys.argv[3:])
