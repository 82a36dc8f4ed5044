"""Models of others, and their figures as far as they could be found or measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from convert.peers import networks

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras


@dataclass(frozen=True)
class Peer:
    """A model, and what is known of it."""

    name: str
    network: Callable[[], keras.Model] | None = None
    """Builds others' anew, to count and time it; None where it is not described well enough."""

    ferplus: float | None = None
    """Accuracy on FER+ majority, PrivateTest (n = 3,153)."""

    fer2013: float | None = None
    """Accuracy on FER2013, PrivateTest (n = 3,589)."""

    macs: int | None = None
    """Multiply-accumulates as its authors say, where no network is at hand."""

    published: bool = False
    """The accuracies are its authors'; the others' were measured by `train.evaluate.metrics` on the same faces."""

    remark: str = ""


PEERS = (
    Peer("fer's TFLite", networks.mini_xception, 0.670, 0.658, remark="a mini-Xception"),
    Peer("mini-Xception", networks.mini_xception, 0.669, 0.654),
    Peer("big-Xception", networks.big_xception, 0.662, 0.668),
    Peer("face-api.js", networks.face_expression_net, 0.686, 0.589),
    Peer("MobileFaceNet", networks.mobile_face_net, 0.64, 0.46, remark="opencv_zoo's int8; other training faces"),
    Peer("best Pi project", None, 0.702, 0.682, remark="perhaps saw test rows"),
    Peer("best below 1 M parameters", None, None, 0.671, published=True),
    Peer("VGG", None, None, 0.7328, published=True, remark="one network"),
    Peer("DDAMFN", None, 0.9074, None, 540_000_000, published=True, remark="most likely top vote"),
)
