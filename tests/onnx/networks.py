"""Three small networks as a PyTorch user would bring them, each to be read from top to bottom.

All take normalised ``(N, C, size, size)`` float32 and give ``(N, classes)`` logits.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


def efficientnet(classes: int) -> nn.Module:
    """EfficientNet-B0's stages, a third as wide and half as deep, for ``(N, 3, 224, 224)``.

    Tan & Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural
    Networks", ICML 2019.
    """
    return nn.Sequential(
        *_convolve(3, 8, kernel=3, stride=2, activation=nn.SiLU()),
        MBConv(8, 8, kernel=3, stride=1, expansion=1),
        MBConv(8, 12, kernel=3, stride=2, expansion=3),
        MBConv(12, 16, kernel=5, stride=2, expansion=3),
        MBConv(16, 16, kernel=5, stride=1, expansion=4),
        MBConv(16, 32, kernel=3, stride=2, expansion=4),
        MBConv(32, 32, kernel=3, stride=1, expansion=4),
        MBConv(32, 40, kernel=5, stride=1, expansion=4),
        MBConv(40, 64, kernel=5, stride=2, expansion=4),
        MBConv(64, 64, kernel=5, stride=1, expansion=4),
        MBConv(64, 96, kernel=3, stride=1, expansion=4),
        *_convolve(96, 320, kernel=1, activation=nn.SiLU()),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(320, classes),
    )


class MBConv(nn.Module):
    """EfficientNet's block: widen, convolve each channel, weigh the channels, narrow, and add what came in."""

    def __init__(self, width_in: int, width: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = width_in * expansion
        self.adds = stride == 1 and width_in == width
        self.body = nn.Sequential(
            *(_convolve(width_in, inner, kernel=1, activation=nn.SiLU()) if expansion > 1 else ()),
            *_convolve(inner, inner, kernel=kernel, stride=stride, groups=inner, activation=nn.SiLU()),
            SqueezeExcite(inner, max(4, width_in // 4)),
            *_convolve(inner, width, kernel=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) if self.adds else self.body(x)


class SqueezeExcite(nn.Module):
    """Weighs each channel by what all of them are on average.

    Hu et al., "Squeeze-and-Excitation Networks", CVPR 2018.
    """

    def __init__(self, width: int, squeezed: int) -> None:
        super().__init__()
        self.weigh = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(width, squeezed, 1),
            nn.SiLU(),
            nn.Conv2d(squeezed, width, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weigh(x)


def attention(classes: int) -> nn.Module:
    """A residual network that attends to channels and places, for ``(N, 1, 48, 48)``."""
    return nn.Sequential(
        *_convolve(1, 16, kernel=3, activation=nn.ReLU()),
        AttentiveResidual(16, 24, stride=2),
        AttentiveResidual(24, 40, stride=2),
        AttentiveResidual(40, 40, stride=1),
        AttentiveResidual(40, 80, stride=2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(80, classes),
    )


class AttentiveResidual(nn.Module):
    """Two 3x3 convolutions and CBAM's two attentions beside a shortcut.

    Woo et al., "CBAM: Convolutional Block Attention Module", ECCV 2018.
    """

    def __init__(self, width_in: int, width: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_convolve(width_in, width, kernel=3, stride=stride, activation=nn.ReLU()),
            *_convolve(width, width, kernel=3),
            ChannelAttention(width, width // 8),
            SpatialAttention(7),
        )
        same = stride == 1 and width_in == width
        self.shortcut = nn.Identity() if same else nn.Sequential(*_convolve(width_in, width, kernel=1, stride=stride))

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.body(x) + self.shortcut(x))


class ChannelAttention(nn.Module):
    """Weighs each channel by the means and the maxima of all."""

    def __init__(self, width: int, squeezed: int) -> None:
        super().__init__()
        self.shared = nn.Sequential(nn.Linear(width, squeezed), nn.ReLU(), nn.Linear(squeezed, width))

    def forward(self, x: Tensor) -> Tensor:
        weights = torch.sigmoid(self.shared(x.mean((2, 3))) + self.shared(x.amax((2, 3))))
        return x * weights[:, :, None, None]


class SpatialAttention(nn.Module):
    """Weighs each place by the mean and the maximum of its channels around it."""

    def __init__(self, kernel: int) -> None:
        super().__init__()
        self.convolve = nn.Conv2d(2, 1, kernel, padding=kernel // 2, bias=False)
        self.normalise = nn.BatchNorm2d(1)

    def forward(self, x: Tensor) -> Tensor:
        told = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], dim=1)
        return x * torch.sigmoid(self.normalise(self.convolve(told)))


def mobilefacenet(classes: int) -> nn.Module:
    """MobileFaceNet with kernels of several sizes, for ``(N, 3, 112, 112)``.

    Chen et al., "MobileFaceNets: Efficient CNNs for Accurate Real-Time Face
    Verification on Mobile Devices", CCBR 2018. Its end is a convolution as large as
    what is left of the picture, which weighs places where a mean would not.
    """
    return nn.Sequential(
        *_convolve(3, 8, kernel=3, stride=2, activation=nn.PReLU(8)),
        *_convolve(8, 8, kernel=3, groups=8, activation=nn.PReLU(8)),
        Bottleneck(8, 16, inner=16, kernels=(3,), stride=2),
        Bottleneck(16, 16, inner=48, kernels=(3, 5, 7), stride=1),
        Bottleneck(16, 32, inner=48, kernels=(3, 5, 7), stride=2),
        Bottleneck(32, 32, inner=96, kernels=(3, 5, 7), stride=1),
        Bottleneck(32, 32, inner=96, kernels=(3, 5), stride=1),
        Bottleneck(32, 64, inner=96, kernels=(3, 5, 7), stride=2),
        Bottleneck(64, 64, inner=192, kernels=(3, 5, 7), stride=1),
        *_convolve(64, 256, kernel=1, activation=nn.PReLU(256)),
        nn.Conv2d(256, 256, 7, groups=256, bias=False),
        nn.BatchNorm2d(256),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(256, classes),
    )


class Bottleneck(nn.Module):
    """MobileFaceNet's block: widen, convolve each channel, narrow, and add what came in."""

    def __init__(self, width_in: int, width: int, inner: int, kernels: tuple[int, ...], stride: int) -> None:
        super().__init__()
        self.adds = stride == 1 and width_in == width
        self.body = nn.Sequential(
            *_convolve(width_in, inner, kernel=1, activation=nn.PReLU(inner)),
            MixedDepthwise(inner, kernels, stride),
            nn.BatchNorm2d(inner),
            nn.PReLU(inner),
            *_convolve(inner, width, kernel=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) if self.adds else self.body(x)


class MixedDepthwise(nn.Module):
    """Convolves each channel, with another size of kernel in each equal part of them.

    Tan & Le, "MixConv: Mixed Depthwise Convolutional Kernels", BMVC 2019.
    """

    def __init__(self, width: int, kernels: tuple[int, ...], stride: int) -> None:
        super().__init__()
        self.part = width // len(kernels)
        self.parts = nn.ModuleList(
            nn.Conv2d(self.part, self.part, kernel, stride, kernel // 2, groups=self.part, bias=False)
            for kernel in kernels
        )

    def forward(self, x: Tensor) -> Tensor:
        if len(self.parts) == 1:
            return self.parts[0](x)
        parts = zip(self.parts, x.split(self.part, dim=1), strict=True)
        return torch.cat([convolve(channels) for convolve, channels in parts], dim=1)


def _convolve(
    width_in: int, width: int, *, kernel: int, stride: int = 1, groups: int = 1, activation: nn.Module | None = None
) -> list[nn.Module]:
    convolution = nn.Conv2d(width_in, width, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(width), *([activation] if activation else [])]
