"""``.onnx`` files: simplified and given fixed sizes by onnxsim, turned channels-last by onnx2tf."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from convert.errors import ModelError
from convert.load import onnx_process
from convert.load.built import Built
from convert.load.layout import CHANNELS, Layout
from convert.load.limits import MOST_BYTES, check_file, too_large
from convert.spec import FileFacts, ModelSpec
from convert.subprocesses import CHECKOUT, python
from edge.text import first_line, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

_QUANTISED = re.compile(r"Quantize|QLinear|QGemm|QAttention|ConvInteger|MatMulInteger|MatMulNBits")
"""Operators of quantised networks, those of ONNX Runtime included."""


@dataclass(frozen=True, eq=False)
class OnnxFile:
    """A loaded ONNX model."""

    path: Path
    model: Any
    input: str
    """Name of the input."""

    layout: Layout

    @property
    def facts(self) -> FileFacts:
        """What it says of itself."""
        given, outputs = self.layout, tuple(output.name for output in self.model.graph.output)
        return FileFacts(height=given.height, width=given.width, channels=given.channels, outputs=outputs)

    def build(self, spec: ModelSpec) -> Built:
        """Return the float network, and the model itself to compare it with."""
        one = (1, spec.height, spec.width, spec.channels)
        shape = tuple(one[axis] for axis in self.layout.axes)
        with tempfile.TemporaryDirectory() as scratch:
            simple, network = Path(scratch) / "simple.onnx", Path(scratch) / "network.tflite"
            self._simplify(shape, spec.output, simple)
            self._convert(simple, network)
            content, simplified = network.read_bytes(), simple.read_bytes()
        try:
            run = self._runner(self.model.SerializeToString(), spec.output)
            run(np.zeros(one, np.float32))
        except Exception:  # noqa: BLE001  # onnxruntime raises what its C++ does, of no common kind
            return Built(content, self._runner(simplified, spec.output), simplified=True)
        return Built(content, run)

    def _simplify(self, shape: tuple[int, ...], output: str, path: Path) -> None:
        """Fix every size, fold what is constant and keep one output."""
        import onnx  # noqa: PLC0415  # the extra 'onnx'
        import onnxsim  # noqa: PLC0415

        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        for other in [given for given in model.graph.output if given.name != output]:
            model.graph.output.remove(other)
        try:
            simple, _ = onnxsim.simplify(model, overwrite_input_shapes={self.input: list(shape)})
        except Exception as error:  # it raises what its C++ does, of no common kind
            message = f"{self.path}: not a network that onnxsim can read at {list(shape)}: {first_line(error)}"
            raise ModelError(message) from error
        onnx.save(simple, str(path))

    def _convert(self, simple: Path, network: Path) -> None:
        """Run onnx2tf in a process and folder of its own: it writes where it stands and downloads what it misses."""
        last = [self.input] if self.layout.channels_last else []
        command = python(onnx_process.__name__, simple, network, *last)
        ran = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
        if ran.returncode or not network.exists():
            reason = printable(onnx_process.reason(ran.stdout + ran.stderr), 300)
            message = f"{self.path}: onnx2tf cannot convert it: {reason}"
            raise ModelError(message)

    def _runner(self, model: bytes, output: str) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        """Return the function that runs a model's output picture by picture; each fills a fixed batch."""
        import onnxruntime  # noqa: PLC0415

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # what fails is raised as well
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        size = session.get_inputs()[0].shape[0]
        batch = size if isinstance(size, int) else 1

        def run(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
            laid = pictures.transpose(self.layout.axes)
            rows = [session.run([output], {self.input: np.repeat(one[None], batch, axis=0)})[0] for one in laid]
            return np.concatenate([np.asarray(row, np.float32).reshape(batch, -1)[:1] for row in rows])

        return run


def open_model(path: Path, *, trusted: bool = False) -> OnnxFile:  # noqa: ARG001  # ONNX has no code of its own
    """Load an ONNX model.

    Args:
        path: The file.
        trusted: As of the other formats.

    Raises:
        ModelError: It is none, not one of one picture, or the packages that read it are not installed.
    """
    try:
        import onnx  # noqa: PLC0415
        import onnx2tf  # noqa: F401, PLC0415  # here for the message alone
    except ImportError as error:
        message = (
            f"{path}: {error.name} is not installed; 'make setup' with Python 3.11 brings all that ONNX files need"
        )
        raise ModelError(message) from error
    check_file(path)
    try:
        model = onnx.load(str(path), load_external_data=False)
        _check_weights_beside(path, model)
        onnx.load_external_data_for_model(model, str(path.parent))  # from this folder alone; links are refused
        onnx.checker.check_model(model)
    except ModelError:
        raise
    except Exception as error:
        message = f"{path}: not an ONNX model: {first_line(error)}"
        raise ModelError(message) from error
    quantised = sorted({node.op_type for node in model.graph.node if _QUANTISED.search(node.op_type)})
    if quantised:
        names = printable(", ".join(quantised), 200)
        message = f"{path}: it is quantised already ({names}); export the float model that it was made from"
        raise ModelError(message)
    weights = {weight.name for weight in model.graph.initializer}
    inputs = [given for given in model.graph.input if given.name not in weights]
    shapes = [tuple(size.dim_value or None for size in given.type.tensor_type.shape.dim) for given in inputs]
    if len(inputs) != 1 or len(shapes[0]) != 4:
        message = f"{path}: its inputs are {shapes}, but one picture, (N, 1 or 3, height, width), is wanted"
        raise ModelError(message)
    if inputs[0].type.tensor_type.elem_type != onnx.TensorProto.FLOAT:
        kind = onnx.TensorProto.DataType.Name(inputs[0].type.tensor_type.elem_type)
        message = f"{path}: its pixels are {kind}, but FLOAT is wanted"
        raise ModelError(message)
    layout = Layout.of(shapes[0], usually_last=False)
    if layout.channels not in CHANNELS | {None}:
        message = f"{path}: its input is {shapes[0]}, but 1 or 3 channels are wanted, first or last"
        raise ModelError(message)
    return OnnxFile(path, model, inputs[0].name, layout)


def _check_weights_beside(path: Path, model: Any) -> None:
    """Check the files beside a model that hold its weights, and what all of them are together.

    Raises:
        ModelError: A file is none or too large, or they are too large together: each may be read many times.
    """
    sizes: dict[Path, int] = {}
    read = 0
    for tensor in _tensors(model):
        entries = {entry.key: entry.value for entry in tensor.external_data}
        if "location" not in entries:
            continue
        file = path.parent / entries["location"]
        if file not in sizes:
            check_file(file)
            sizes[file] = file.stat().st_size
        length = int(entries.get("length", sizes[file]))
        read += length if 0 <= length <= sizes[file] else sizes[file]
    if read > MOST_BYTES:
        raise too_large(path, f"its weights in other files have {read:,} bytes")


def _tensors(message: Any) -> Iterator[Any]:
    """Yield every tensor of a protobuf message: the weights, and those in the attributes of nodes and in subgraphs."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for part in value if isinstance(value, Sequence) else [value]:
            if field.message_type.name == "TensorProto":
                yield part
            else:
                yield from _tensors(part)
