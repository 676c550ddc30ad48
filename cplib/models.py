"""The paper's four families of networks, with the width as an argument.

Each maps images (B, channels, H, W) to logits (B, classes).
"""

from dataclasses import asdict, dataclass

import torch
from torch import nn

from ._base import plain
from ._base.device import isolated
from .errors import InputError

__all__ = ["FAMILIES", "AllCNN", "DepthCNN", "MLP", "ModelSpec", "ResNet18", "build"]


class ConvBlock(nn.Sequential):
    """Convolution, batch normalisation, ReLU: the paper's "conv"."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1):
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class _AveragedCNN(nn.Module):
    """A stack of `ConvBlock`s; the last one gives the logits, averaged over space."""

    def __init__(self, blocks: list[ConvBlock]):
        super().__init__()
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.blocks(x).mean((2, 3))  # (B, classes)


class AllCNN(_AveragedCNN):
    """The paper's All-CNN: 96-96-192s2-192-192-192s2-192-1x1 192-1x1 10-avg pool.

    `width` is the number of channels of the first block (paper: 96); later blocks have
    twice that. At width 96 it takes 345 million multiply-adds for 32x32 pixels.
    """

    def __init__(self, channels: int = 3, width: int = 96, classes: int = 10):
        w, v = width, 2 * width
        super().__init__(
            [
                ConvBlock(channels, w), ConvBlock(w, w), ConvBlock(w, v, stride=2),
                ConvBlock(v, v), ConvBlock(v, v), ConvBlock(v, v, stride=2),
                ConvBlock(v, v), ConvBlock(v, v, kernel=1),
                ConvBlock(v, classes, kernel=1),
            ]
        )  # fmt: skip


class DepthCNN(_AveragedCNN):
    """The depth study's net: conv - n x [conv - conv s2] - conv - 1x1 - 1x1 classes.

    `width` is the number of channels of the first block (paper: 96), doubled in each of
    the n = `blocks` stages (paper: 1, 2, 3).
    """

    def __init__(
        self, channels: int = 3, width: int = 96, blocks: int = 2, classes: int = 10
    ):
        layers = [ConvBlock(channels, width)]
        for i in range(blocks):
            inputs, outputs = width * 2**i, width * 2 ** (i + 1)
            layers += [ConvBlock(inputs, inputs), ConvBlock(inputs, outputs, stride=2)]
        top = width * 2**blocks
        layers += [ConvBlock(top, top), ConvBlock(top, top, kernel=1)]
        super().__init__([*layers, ConvBlock(top, classes, kernel=1)])


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut (He et al. 2016, Fig. 2 left).

    The shortcut's 1x1 convolution has stride 1, on every `stride`-th pixel: the same
    map as a strided one, whose weight gradient is wrong in oneDNN 3 for fewer than 8
    input channels on processors without AVX-512 (its issue 6035).
    """

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.first = ConvBlock(inputs, outputs, stride=stride)
        self.second = nn.Sequential(
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.stride = stride
        self.shortcut = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        seen = x[:, :, :: self.stride, :: self.stride]
        return torch.relu(self.second(self.first(x)) + self.shortcut(seen))


class ResNet18(nn.Module):
    """ResNet-18 for small images: a 3x3 stem and no max-pooling (width 64 in full)."""

    def __init__(self, channels: int = 3, width: int = 64, classes: int = 10):
        super().__init__()
        layers: list[nn.Module] = [ConvBlock(channels, width)]
        inputs = width
        for stage in range(4):
            outputs = width * 2**stage
            layers.append(BasicBlock(inputs, outputs, stride=1 if stage == 0 else 2))
            layers.append(BasicBlock(outputs, outputs, stride=1))
            inputs = outputs
        self.blocks = nn.Sequential(*layers)
        self.classifier = nn.Linear(inputs, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.blocks(x).mean((2, 3)))


class MLP(nn.Module):
    """Fully connected: hidden 2500-2000-1500-1000-500 (at width 2500), BN and ReLU.

    `width` is the number of units of the first hidden layer; the others keep the
    paper's ratios. `size` is the side of the images in pixels.
    """

    def __init__(
        self, channels: int = 1, width: int = 2500, size: int = 32, classes: int = 10
    ):
        super().__init__()
        hidden = [max(1, width * k // 5) for k in range(5, 0, -1)]
        sizes = [channels * size * size, *hidden]
        layers: list[nn.Module] = [nn.Flatten()]
        for inputs, outputs in zip(sizes, sizes[1:], strict=False):
            layers.append(nn.Linear(inputs, outputs, bias=False))
            layers += [nn.BatchNorm1d(outputs), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers, nn.Linear(sizes[-1], classes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


FAMILIES = {f.__name__: f for f in (AllCNN, ResNet18, DepthCNN, MLP)}


@dataclass(frozen=True)
class ModelSpec:
    """A network as plain values.

    Attributes:
        family: a name in `FAMILIES`.
        width: channels (or units) of the first layer.
        blocks: number of stages, for `DepthCNN` only.
    """

    family: str = "AllCNN"
    width: int = 96
    blocks: int | None = None

    def __post_init__(self):
        plain.choose("model", self.family, FAMILIES)
        plain.settle(self, "width", plain.whole, 1)
        if self.family == "DepthCNN":
            plain.settle(self, "blocks", plain.whole, 1)
        elif self.blocks is not None:
            raise InputError(
                f"{self.family}: omit blocks={self.blocks!r}; only DepthCNN takes it."
            )

    def spec(self) -> dict:
        """Plain values, for hashes and provenance."""
        return {k: v for k, v in asdict(self).items() if v is not None}


@isolated()
def build(
    spec: ModelSpec, *, channels: int, size: int, seed: int, classes: int = 10
) -> nn.Module:
    """The network of `spec`, with initial weights that depend on `seed` alone.

    It maps images (B, channels, size, size) to logits (B, classes).
    """
    options = spec.spec() | {"channels": channels, "classes": classes}
    family = options.pop("family")
    options |= {"size": size} if family == "MLP" else {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plain.seed(seed))
        return FAMILIES[family](**options)
