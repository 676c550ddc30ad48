"""Squared norms of each image's own gradient, layer by layer, in one backward pass.

The gradient of one image by a layer's weights is G U^T, where U (K, P) is the layer's
input at each of its P positions (one for a linear map, the pixels of the output for a
convolution) and G (O, P) the gradient by its output there. One pass over a batch gives
both for all images (Goodfellow 2015, arXiv:1510.01799; for convolutions Rochette,
Manoel & Tramel 2019, arXiv:1912.06015). |G U^T|^2 is computed directly or as the sum
over pairs of positions of (G^T G) * (U^T U), whichever is less work.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from ..errors import InputError
from .estimate import hooked, layers


def squared_norms(
    net: nn.Module,
    images: torch.Tensor,
    direction: Callable[[torch.Tensor], torch.Tensor],
) -> torch.Tensor:
    """|grad_w (v . logits)|^2 for each image and the weights w of each layer.

    Args:
        net: maps images (B, ...) to logits (B, classes); within `measuring`.
        images: (B, ...).
        direction: maps logits (B, classes) to the vectors v, of the same shape.

    Returns:
        (B, layers), on the device of the images, the layers as in `layers(net)`.

    Raises:
        InputError: an operation of `net` overwrites the input of a layer.
    """
    modules, calls = layers(net), []

    def listen(module: nn.Module, args: tuple, output: torch.Tensor) -> torch.Tensor:
        addition = torch.zeros_like(output).requires_grad_()  # to differentiate by
        calls.append((module, args[0].detach(), args[0]._version, addition))
        return output + addition

    with torch.enable_grad(), hooked(modules.values(), listen):
        logits = net(images).float()
        score = (logits * direction(logits.detach())).sum()
        leaves = [addition for *_, addition in calls]
        gradients = torch.autograd.grad(score, leaves, materialize_grads=True)
    columns = []
    for name, module in modules.items():
        outer = [
            _as_matrices(module, _unchanged(name, x, version), g)
            for (called, x, version, _), g in zip(calls, gradients, strict=True)
            if called is module
        ]
        columns.append(_squared(outer, logits))
    return torch.stack(columns, 1)


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
    sides, mode = module._reversed_padding_repeated_twice, module.padding_mode
    if any(sides):
        x = F.pad(x, sides, "constant" if mode == "zeros" else mode)
    x = x.permute(0, 2, 3, 1).contiguous()  # so that a patch's rows lie in one piece
    for axis in (0, 1):
        dilation, step = module.dilation[axis], module.stride[axis]
        reach = dilation * (module.kernel_size[axis] - 1) + 1
        x = x.unfold(1 + axis, reach, step)[..., ::dilation]
    return x.permute(0, 1, 2, 4, 5, 3)


def _squared(
    outer: list[tuple[torch.Tensor, torch.Tensor]], logits: torch.Tensor
) -> torch.Tensor:
    """|sum over P of g u^T|^2 (B,), for g (N, P, O) and u (N, P, K) of each call."""
    if not outer:  # the layer is not called
        return logits.new_zeros(len(logits))
    g, u = outer[0]
    if len(outer) > 1:  # the gradient is the sum over the calls
        g, u = (torch.cat(side, 1) for side in zip(*outer, strict=True))
    (_, p, o), k = g.shape, u.shape[2]
    if p * (o + k) < o * k:
        norms = ((g @ g.mT) * (u @ u.mT)).sum((1, 2))
    else:
        norms = (g.mT @ u).square().sum((1, 2))
    return norms.view(len(logits), -1).sum(1)
