"""Squared norms of each image's own gradient, layer by layer, in one backward pass.

The gradient of one image by a layer's weights is G U^T, where U (K, P) holds what the
layer saw at each of its P positions (one for a linear map, the pixels of the output for
a convolution) and G (O, P) the gradient by what it answered there. So the inputs of the
layers and the gradients by their outputs, which one pass over a batch gives for all of
its images, are enough (Goodfellow 2015, arXiv:1510.01799; for convolutions Rochette,
Manoel & Tramel 2019, arXiv:1912.06015). |G U^T|^2 is taken as it stands or as the sum
over pairs of positions of (G^T G) * (U^T U), whichever is less work.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import nn

from ..errors import InputError
from .estimate import layers

__all__ = ["squared_norms"]


@dataclass
class Seen:
    """What passed through a layer, once for each time that it was called.

    Attributes:
        inputs: of the layer, with the version of their memory.
        additions: zeros that were added to its outputs, to differentiate by.
    """

    inputs: list[tuple[torch.Tensor, int]] = field(default_factory=list)
    additions: list[torch.Tensor] = field(default_factory=list)


def squared_norms(
    net: nn.Module,
    images: torch.Tensor,
    direction: Callable[[torch.Tensor], torch.Tensor],
) -> torch.Tensor:
    """|grad_w (v . logits)|^2 for each image and the weights w of each layer.

    Args:
        net: maps images (B, ...) to logits (B, classes), each image by itself: batch
            normalisation must be in evaluation mode.
        images: (B, ...).
        direction: maps logits (B, classes) to the vectors v, of the same shape.

    Returns:
        (B, layers), on the device of the images, the layers as in `layers(net)`; see
        `measured` for networks that have other weights.

    Raises:
        InputError: an operation of `net` overwrites the input of a layer.
    """
    modules = layers(net)
    with torch.enable_grad(), _listening(modules) as seen:
        logits = net(images).float()
        score = (logits * direction(logits.detach())).sum()
        leaves = [leaf for part in seen.values() for leaf in part.additions]
        found = torch.autograd.grad(score, leaves, materialize_grads=True)
    gradients = iter(found)
    columns = []
    for name, module in modules.items():
        columns.append(logits.new_zeros(len(images)))  # for a layer that is not called
        outer = [
            _as_matrices(module, _unchanged(name, *kept), next(gradients))
            for kept in seen[name].inputs
        ]
        if outer:
            g, u = outer[0]
            if len(outer) > 1:  # its gradient is the sum over its calls
                g, u = (torch.cat(side, 1) for side in zip(*outer, strict=True))
            columns[-1] = _outer_norm(g, u).view(len(images), -1).sum(1)
    return torch.stack(columns, 1)


@contextlib.contextmanager
def _listening(modules: dict[str, nn.Module]) -> Iterator[dict[str, Seen]]:
    """Within: note what passes through `modules`."""
    seen = {name: Seen() for name in modules}

    def listen(part: Seen):
        def hook(module, args, output):
            addition = torch.zeros_like(output).requires_grad_()
            part.inputs.append((args[0].detach(), args[0]._version))
            part.additions.append(addition)
            return output + addition

        return hook

    handles = [  # before any hook of the reader's that changes the output
        m.register_forward_hook(listen(seen[n]), prepend=True)
        for n, m in modules.items()
    ]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def _unchanged(name: str, x: torch.Tensor, version: int) -> torch.Tensor:
    if x._version != version:
        raise InputError(
            f"The input of layer {name!r} is overwritten later on in the network: make "
            "the operation that follows it work out of place (inplace=False)."
        )
    return x


def _as_matrices(
    module: nn.Module, x: torch.Tensor, g: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """G^T (B * groups, P, O) and U^T (B * groups, P, K), of each group of channels."""
    if isinstance(module, nn.Linear):
        g, u = (t.reshape(len(x), -1, t.shape[-1]) for t in (g, x))
        return g, u
    g, u = g.permute(0, 2, 3, 1), _patches(module, x)
    groups = module.groups
    g, u = (t.unflatten(-1, (groups, -1)).movedim(-2, 1) for t in (g, u))
    rows, positions = len(x) * groups, g.shape[2] * g.shape[3]
    return g.reshape(rows, positions, -1), u.reshape(rows, positions, -1)


def _patches(module: nn.Conv2d, x: torch.Tensor) -> torch.Tensor:
    """What the kernel sees at each position: a view (B, H, W, height, width, C)."""
    sides = _padding(module)
    if any(sides):
        mode = module.padding_mode
        x = F.pad(x, sides, "constant" if mode == "zeros" else mode)
    x = x.permute(0, 2, 3, 1).contiguous()  # so that a patch's rows lie in one piece
    spans = zip(module.dilation, module.kernel_size, strict=True)
    reach = [d * (k - 1) for d, k in spans]
    step = module.stride
    counts = [(x.shape[1 + i] - reach[i] - 1) // step[i] + 1 for i in (0, 1)]
    item, row, column, channel = x.stride()
    steps = step[0] * row, step[1] * column
    inside = module.dilation[0] * row, module.dilation[1] * column
    return x.as_strided(
        (len(x), *counts, *module.kernel_size, x.shape[3]),
        (item, *steps, *inside, channel),
    )


def _padding(module: nn.Conv2d) -> list[int]:
    """Left, right, top and bottom, as `torch.nn.functional.pad` takes them."""
    if module.padding == "valid":
        return [0] * 4
    if module.padding != "same":
        height, width = module.padding
        return [width, width, height, height]
    spans = zip(module.dilation, module.kernel_size, strict=True)
    height, width = (d * (k - 1) for d, k in spans)
    return [width // 2, width - width // 2, height // 2, height - height // 2]


def _outer_norm(g: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    """|sum over P of the products g u^T|^2, for g (N, P, O) and u (N, P, K)."""
    (_, p, o), k = g.shape, u.shape[2]
    if p * (o + k) < o * k:
        return ((g @ g.mT) * (u @ u.mT)).sum((1, 2))
    return (g.mT @ u).square().sum((1, 2))
