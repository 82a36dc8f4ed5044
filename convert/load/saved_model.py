"""TensorFlow SavedModels: folders with a ``saved_model.pb``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from convert.errors import ModelError
from convert.load.export import build, tf
from convert.load.graph_check import GRAPH, check_graph
from convert.load.layout import CHANNELS, Layout
from convert.spec import FileFacts, ModelSpec
from edge.files import is_there
from edge.text import first_line, printable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from convert.load.built import Built

_SIGNATURE = "serving_default"


@dataclass(frozen=True, eq=False)
class SavedModel:
    """A loaded SavedModel and its one signature."""

    path: Path
    model: Any
    signature: Any
    layout: Layout

    @property
    def facts(self) -> FileFacts:
        """What it says of itself."""
        given, outputs = self.layout, tuple(sorted(self.signature.structured_outputs))
        return FileFacts(height=given.height, width=given.width, channels=given.channels, outputs=outputs)

    def build(self, spec: ModelSpec) -> Built:
        """Return the float network, and the model itself to compare it with."""
        (name,) = self.signature.structured_input_signature[1]

        def outputs(given: Any) -> Any:
            return self.signature(**{name: given})[spec.output]

        freed = None if self.layout.batch is None else self._freed(spec.output)
        return build(self.path, outputs, self.layout, (spec.height, spec.width, spec.channels), self.model, freed)

    def _freed(self, output: str) -> Callable[[Any], Any]:
        """Return the signature as a function that takes any number of pictures; a signature takes its batch alone."""
        frozen = convert_variables_to_constants_v2(self.signature)
        graph, (pixels,) = frozen.graph.as_graph_def(), frozen.inputs
        wanted = frozen.outputs[self.facts.outputs.index(output)]
        return lambda given: tf.graph_util.import_graph_def(graph, {pixels.name: given}, [wanted.name])[0]


def open_model(path: Path, *, trusted: bool = False) -> SavedModel:
    """Load a SavedModel.

    Args:
        path: Its folder.
        trusted: Whether its graph may do more than compute.

    Raises:
        ModelError: It is none, has no signature ``serving_default``, or not one of one picture, or its graph may do
            more than compute and it is not trusted.
    """
    if not is_there(path / GRAPH):
        message = f"{path}: a folder without {GRAPH} is no SavedModel"
        raise ModelError(message)
    if not trusted:
        check_graph(path)
    try:
        model = tf.saved_model.load(str(path))
    except (ValueError, OSError, tf.errors.OpError) as error:
        message = f"{path}: not a SavedModel: {first_line(error)}"
        raise ModelError(message) from error
    signature = model.signatures.get(_SIGNATURE)
    if signature is None:
        others = printable(", ".join(model.signatures), 200) or "none at all"
        message = f"{path}: it has no signature {_SIGNATURE}, but {others}"
        raise ModelError(message)
    taken = [spec.shape for spec in signature.structured_input_signature[1].values()]
    one = len(taken) == 1 and taken[0].rank == 4
    layout = Layout.of(taken[0], usually_last=True) if one else None
    if layout is None or layout.channels not in CHANNELS | {None}:
        shapes = ", ".join(map(str, taken))
        message = f"{path}: its input is {shapes}, but one picture, (None, height, width, 1 or 3), is wanted"
        raise ModelError(message)
    return SavedModel(path, model, signature, layout)
