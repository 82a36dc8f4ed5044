"""A network as TFLite's flatbuffer describes it: parsed once, looked at, edited, and serialised.

The float network that every model becomes is such a graph, and so is the quantised one: what is said about a network is
read from what will run, not from what made it.
"""

from convert.graph.flatbuffer import parse, serialize
from convert.graph.graph import LOGITS, Graph
from convert.graph.operator import FusedActivation, Op, Operator, Padding
from convert.graph.tensor import Tensor

__all__ = ["LOGITS", "FusedActivation", "Graph", "Op", "Operator", "Padding", "Tensor", "parse", "serialize"]
