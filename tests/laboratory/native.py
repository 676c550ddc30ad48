"""The laboratory's engine as a library: its memory, and its network in PyTorch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from cplib import models

KINDS = (
    "clear", "blur", "flip", "labels", "noise", "grey", "contrast", "occlusion",
    "detail",
)  # fmt: skip
PURPOSES = ("weights", "order", "noises", "cycle", "signs", "perturbation")


class Stream:
    """splitmix64, keyed as the engine's draws are."""

    def __init__(self, seed, purpose, epoch):
        self.state = seed
        self.state = self.draw() + PURPOSES.index(purpose)
        self.state = self.draw() + epoch
        self.state = self.draw()

    def draw(self):
        mask = 2**64 - 1
        self.state = z = (self.state + 0x9E3779B97F4A7C15) & mask
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & mask
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & mask
        return z ^ (z >> 31)

    def below(self, n):
        return (self.draw() >> 32) * n >> 32

    def permutation(self, n):
        order = list(range(n))
        for i in range(n - 1, 0, -1):
            j = self.below(i + 1)
            order[i], order[j] = order[j], order[i]
        return order


class Layer(NamedTuple):
    """Where a layer's parameters begin, and its padded and real channels."""

    at: int
    kernel: int
    padded_in: int
    inputs: int
    padded_out: int
    outputs: int

    @property
    def scale(self):
        return self.at + self.kernel**2 * self.padded_in * self.padded_out

    @property
    def shift(self):
        return self.scale + self.padded_out


class Engine:
    """The engine after `init`, with images, without weights.

    Args:
        library: from tools.build.make_engine.native.
        family, width, channels, classes, size: of the network and its images.
        counts: of training and test images; drawn as gratings if they have 3 channels.
        batch: the largest number of examples at a time.
    """

    def __init__(
        self, library, family="AllCNN", width=8, *, channels=3, classes=10, size=16,
        counts=(96, 50), batch=32,
    ):  # fmt: skip
        self.c, self.family, self.size, self.batch = library, family, size, batch
        self.channels, self.classes, self.counts = channels, classes, counts
        number = ["AllCNN", "MLP"].index(family)
        assert library.init(number, width, channels, classes, size, *counts, batch)
        self.layers = [
            Layer(*(library.layer(i, what) for what in range(6)))
            for i in range(library.layer_count())
        ]
        self.width, last = width, self.layers[-1]
        total = last.shift + last.padded_out
        self.parameters = self.array(library.all_parameters(), total)
        self.gradients = self.array(library.all_gradients(), total)
        self.answers = self.array(library.answers(), batch, last.padded_out)
        shape = counts[0], size, size, 4
        self.shown = self.array(library.images_shown(), *shape)[..., :channels]
        self.labels_shown = self.array(library.labels_shown(), counts[0])
        if channels == 3:
            for number in (0, 1):
                library.gratings(number, number + 1, 0.6, 1, 1, 0.12, 1.2)
            library.normalise()

    @staticmethod
    def array(pointer, *shape):
        return np.ctypeslib.as_array(pointer, shape)

    def raw(self, which):
        """Images, uint8 (N, H, W, C), and labels: 0 for training, 1 for test."""
        count = self.counts[which]
        shape = count, self.size, self.size, self.channels
        return (
            self.array(self.c.set_pixels(which), *shape),
            self.array(self.c.set_labels(which), count),
        )

    def show(self, kind, amount=0.0, seed=0):
        self.c.show(KINDS.index(kind), amount, seed, self.counts[0])

    def seen(self):
        """The training images as they are shown, as PyTorch likes them."""
        return torch.tensor(self.shown).permute(0, 3, 1, 2).contiguous()

    def input(self, images):
        """Give images (B, C, H, W) to the network."""
        border = 0 if self.family == "MLP" else 1
        side = self.size + 2 * border
        x = self.array(self.c.input(), self.batch, side, side, 4)
        inside = slice(border, side - border)
        images = images.permute(0, 2, 3, 1).numpy()
        x[: len(images), inside, inside, : self.channels] = images

    def weight(self, number, of=None):
        """The weights of a layer, or what belongs to them in `of`, as PyTorch's."""
        layer, of = self.layers[number], self.parameters if of is None else of
        k, size = layer.kernel, self.size
        w = of[layer.at : layer.scale].reshape(k, k, layer.padded_in, layer.padded_out)
        w = w[..., : layer.outputs]
        if self.family == "AllCNN":
            inputs = self.channels if number == 0 else layer.inputs
            w = w[:, :, :inputs].transpose(3, 2, 0, 1)
        elif number == 0:
            w = w.reshape(size, size, 4, -1)[:, :, : self.channels]
            w = w.transpose(3, 2, 0, 1).reshape(layer.outputs, -1)
        else:
            w = w[0, 0, : layer.inputs].T
        return torch.tensor(w.astype(float))

    def vectors(self, number, of=None):
        """Scale and shift (or bias) of a layer, or what belongs to them in `of`."""
        layer, of = self.layers[number], self.parameters if of is None else of
        for start in (layer.scale, layer.shift):
            yield torch.tensor(of[start : start + layer.outputs].astype(float))

    def running(self, number):
        """Running mean and variance of a layer's normalisation."""
        layer = self.layers[number]
        for variance in (0, 1):
            found = self.array(self.c.running(number, variance), layer.outputs)
            yield torch.tensor(found.astype(float))

    def network(self):
        """The network of cplib.models in double precision, with the same state."""
        options = {"size": self.size} if self.family == "MLP" else {}
        family = models.FAMILIES[self.family]
        net = family(
            self.channels, self.width, classes=self.classes, **options
        ).double()
        for number, (layer, norm) in enumerate(pairs(net)):
            layer.weight.data = self.weight(number)
            scale, shift = self.vectors(number)
            if norm is None:
                layer.bias.data = shift
            else:
                norm.weight.data, norm.bias.data = scale, shift
                norm.running_mean, norm.running_var = self.running(number)
        return net

    def compare(self, net, gradients=False):
        """The largest relative distance of weights or vectors of a layer from `net`."""
        of = self.gradients if gradients else self.parameters
        found = []
        for number, (layer, norm) in enumerate(pairs(net)):
            scale, shift = self.vectors(number, of)
            mine = [self.weight(number, of), *([scale] if norm else []), shift]
            theirs = [
                layer.weight,
                *([norm.weight, norm.bias] if norm else [layer.bias]),
            ]
            for a, b in zip(mine, theirs, strict=True):
                b = b.grad if gradients else b.detach()
                found.append(((a - b).norm() / b.norm()).item())
        return max(found)


def pairs(net):
    """The layers of a network, each with its normalisation or None."""
    norms = nn.BatchNorm1d, nn.BatchNorm2d
    modules = [
        m for m in net.modules() if isinstance(m, (nn.Conv2d, nn.Linear, *norms))
    ]
    for module, after in zip(modules, [*modules[1:], None], strict=True):
        if not isinstance(module, norms):
            yield module, after if isinstance(after, norms) else None
