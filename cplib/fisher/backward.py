"""The trace of the Fisher information of a network's weights, layer by layer.

    F = E_x E_{y ~ p_w(y|x)} [ grad_w log p_w(y|x) grad_w log p_w(y|x)^T ]

(paper, "The Fisher Information Matrix"; Methods, "The Fisher information"). The label y
is drawn from the network's own answer, never the true one, and batch normalisation uses
its running statistics. Traces are in nats per squared unit of weight. A layer is an
`nn.Conv2d` or an `nn.Linear`, and its weights are the entries of its matrix: vectors,
such as biases and the scales of normalisation, are left out. So are frozen weights
(`requires_grad=False`), which training cannot change; layers that are not used have a
trace of 0. A network with weights of another kind (attention, embeddings, matrices of
its own, weights that two layers share) is rejected, unless these are frozen.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .._base.plain import choose, settle, whole
from ..errors import InputError
from .estimate import Estimate, estimate_of, hooked, layers, measuring

CHUNK = 128  # images at a time; more are no faster on a CPU and take more memory


@dataclass(frozen=True)
class Probe:
    """When, and on how many images, the trace is measured during training.

    After epochs `every`, 2 `every`, ..., on the first `images` training images, as the
    network sees them at that epoch (with their deficit, without augmentation).
    """

    images: int = 256
    every: int = 1

    def __post_init__(self):
        settle(self, "images", whole, 2)
        settle(self, "every", whole, 1)


def trace(
    net: nn.Module,
    images: Tensor,
    random: torch.Generator,
    *,
    labels: str = "signs",
    chunk: int = CHUNK,
) -> Estimate:
    """The trace from per-sample gradients: unbiased; more images reduce its error.

    Args:
        net: maps images (B, ...) to logits (B, classes); left as it was.
        images: the probe set (N, C, H, W), N of 2 or more, as a sample of the data.
        random: CPU generator of labels or signs.
        labels: "sampled" draws one label y for each image from p and takes
            |grad log p_y|^2. "signs" takes |grad (v . logits)|^2 with
            v = (diag(sqrt p) - p sqrt(p)^T) eps, eps = +-1 at random; as
            E v v^T = diag(p) - p p^T, the Fisher information of the logits, it has the
            same mean at the same cost, and far less spread once the network is
            confident, because drawn labels are then hardly ever unlikely ones.
        chunk: images whose activations are held in memory at a time.
    """
    choose("kind of labels", labels, ("signs", "sampled"))
    towards = partial(_signs if labels == "signs" else _sampled, random=random)
    chunk = whole("chunk", chunk, 1)
    with measuring(net, images) as (modules, images):
        squares = [squared_norms(net, part, towards) for part in images.split(chunk)]
    return estimate_of(modules, torch.cat(squares).cpu().double().numpy())


def single_backward(
    net: nn.Module, images: Tensor, random: torch.Generator, *, batch: int = 32
) -> Estimate:
    """The trace from one backward pass for each batch: B |mean gradient|^2.

    Labels are sampled from the network's answer, so that gradients of different images
    are uncorrelated and of mean zero, and the cross terms vanish on average: the
    estimate is unbiased. But its variance does not fall with the batch size B, only
    with the number of batches, since a larger batch is still one draw of one direction.

    Two batches or more are needed, and images beyond the last full one are left out.
    For the arguments see `trace`.
    """
    batch, samples = whole("batch", batch, 1), []
    with measuring(net, images) as (modules, images):
        count = len(images) // batch
        if count < 2:
            raise InputError(
                f"batch={batch!r} gives {count} full batches of {len(images)} images: "
                "choose one that gives 2 or more."
            )
        weights = [module.weight for module in modules.values()]
        for part in images[: count * batch].split(batch):
            logits = net(part).float()
            loss = F.cross_entropy(logits, _label(logits.detach(), random))
            found = torch.autograd.grad(loss, weights, materialize_grads=True)
            squares = [g.cpu().double().square().sum().item() for g in found]
            samples.append([batch * square for square in squares])
    return estimate_of(modules, np.array(samples))


def _signs(logits: Tensor, random: torch.Generator) -> Tensor:
    """v with E v v^T = diag(p) - p p^T, from random signs, (B, classes)."""
    signs = (_uniform(logits, random) < 0.5).float() * 2 - 1
    p = logits.softmax(1)
    root = p.sqrt()
    return root * signs - p * (root * signs).sum(1, keepdim=True)


def _sampled(logits: Tensor, random: torch.Generator) -> Tensor:
    """v = e_y - p, the gradient of log p_y by the logits, y drawn from p."""
    return F.one_hot(_label(logits, random), logits.shape[1]) - logits.softmax(1)


def _label(logits: Tensor, random: torch.Generator) -> Tensor:
    """y drawn from p, (B,)."""
    gumbel = -(-_uniform(logits, random).log()).log()  # the largest sum is at y ~ p
    return (logits + gumbel).argmax(1)


def _uniform(logits: Tensor, random: torch.Generator) -> Tensor:
    """Numbers from 0 to 1, drawn on the CPU so that they are the same everywhere."""
    return torch.rand(logits.shape, generator=random).to(logits.device)


def squared_norms(
    net: nn.Module, images: Tensor, direction: Callable[[Tensor], Tensor]
) -> Tensor:
    """|grad_w (v . logits)|^2 for each image and the weights w of each layer.

    The gradient for one image with respect to a layer's weights is G U^T, where U
    (K, P) is the layer's input at each of its P positions (one for a linear map, the
    pixels of the output for a convolution) and G (O, P) that with respect to its
    output there. One backward pass over a batch gives both for all images (Goodfellow
    2015, arXiv:1510.01799; for convolutions Rochette, Manoel & Tramel 2019,
    arXiv:1912.06015). |G U^T|^2 is computed directly or as the sum over pairs of
    positions of (G^T G) * (U^T U), whichever is less work.

    Within `measuring`, `direction` maps logits (B, classes) to the vectors v.

    Returns:
        (B, layers), on the device of the images, the layers as in `layers(net)`.
    """
    modules, calls = layers(net), []

    def listen(module: nn.Module, args: tuple, output: Tensor) -> Tensor:
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


def _unchanged(name: str, x: Tensor, version: int) -> Tensor:
    if x._version != version:
        raise InputError(
            f"The input of layer {name!r} is overwritten later in the network: make "
            "the operation that follows it work out of place (inplace=False)."
        )
    return x


def _as_matrices(module: nn.Module, x: Tensor, g: Tensor) -> tuple[Tensor, Tensor]:
    """G^T (B * groups, P, O) and U^T (B * groups, P, K), of each group of channels."""
    if isinstance(module, nn.Linear):
        g, u = (t.reshape(len(x), -1, t.shape[-1]) for t in (g, x))
        return g, u
    g, u = g.permute(0, 2, 3, 1), _patches(module, x)
    groups = module.groups
    g, u = (t.unflatten(-1, (groups, -1)).movedim(-2, 1) for t in (g, u))
    rows, positions = len(x) * groups, g.shape[2] * g.shape[3]
    return g.reshape(rows, positions, -1), u.reshape(rows, positions, -1)


def _patches(module: nn.Conv2d, x: Tensor) -> Tensor:
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


def _squared(outer: list[tuple[Tensor, Tensor]], logits: Tensor) -> Tensor:
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
