"""What is known of others' models, as far as it could be found or measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from train.peers import networks

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras


@dataclass(frozen=True)
class Peer:
    """One model of others."""

    name: str
    network: Callable[[], keras.Model] | None = None
    """Builds it anew, to count and time it; None where it is not described well enough, or not at all."""

    ferplus: float | None = None
    """Accuracy on FER+ majority, PrivateTest (n = 3,153), int8 or float as it is shipped."""

    fer2013: float | None = None
    """Accuracy on FER2013, PrivateTest (n = 3,589)."""

    macs: int | None = None
    """Multiply-accumulates as its authors say, where it is not built anew."""

    published: bool = False
    """The accuracies are its authors'; the others' were measured by `train.evaluate` on the same faces."""

    remark: str = ""


PEERS = (
    Peer("fer's TFLite", networks.mini_xception, 0.670, 0.658, remark="the package's default; it is a mini-Xception"),
    Peer("mini-Xception", networks.mini_xception, 0.669, 0.654),
    Peer("big-Xception", networks.big_xception, 0.662, 0.668),
    Peer("face-api.js", networks.face_expression_net, 0.686, 0.589),
    Peer("MobileFaceNet", networks.mobile_face_net, 0.64, 0.46, remark="opencv_zoo's, int8, of other training faces"),
    Peer("best Pi project", None, 0.702, 0.682, remark="perhaps trained on test rows"),
    Peer("best below 1 M parameters", None, None, 0.671, published=True),
    Peer("VGG", None, None, 0.7328, published=True, remark="one network"),
    Peer("DDAMFN", None, 0.9074, None, 540_000_000, published=True, remark="most likely top vote; pretrained on faces"),
)
