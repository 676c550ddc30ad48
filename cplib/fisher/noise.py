"""The trace of the Fisher information from the noise that the weights bear."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from .._base.plain import number, whole
from ..errors import InputError
from .estimate import Estimate, checked, estimate_of, frozen, measured

__all__ = ["noise_injection"]

# Smallest curvature that is looked for: the noise on a weight that does not matter
# would otherwise grow without end.
FLAT = 1e-6
BLOCKS = 8


def noise_injection(
    net: nn.Module,
    images: torch.Tensor,
    random: torch.Generator,
    *,
    labels: torch.Tensor | None = None,
    beta: float = 1e-6,
    steps: int = 400,
    batch: int = 64,
    rate: float = 0.1,
    shared: bool = True,
) -> Estimate:
    """The trace from the noise that the weights bear (for networks without shortcuts).

    Each weight w_i gets Gaussian noise of its own variance s_i, and the variances
    minimise E[loss] - beta sum_i log s_i. To second order E[loss] grows by
    sum_i H_ii s_i / 2, so that s_i = 2 beta / H_ii at the optimum (paper, Materials and
    Methods; PROTOCOL: "Noisy-landscape estimator"). The weights, batch normalisation
    and all biases stay as they are.

    The variances found in noisy steps scatter about the optimum, and the sum of
    2 beta / s_i over them would be too large. So they are held fixed for the second
    half of the steps, and H_ii is read off the slope of E[loss] along log s_i, which
    is H_ii s_i / 2: at the optimum the same, and without bias elsewhere.

    This looks at a neighbourhood of the weights, not at a point: where the loss is
    rugged it is smoother than `trace`, and its bias grows with beta. In a residual
    network each block's noise adds to what the shortcut carries.

    Args:
        net, images, random: as for `trace`.
        labels: None: the loss is the divergence KL(p_w || p_w') from the network's own
            answer, whose Hessian is the Fisher information exactly. Labels (N,): the
            cross-entropy with them, as in the paper, whose Hessian is the Fisher
            information only approximately.
        beta: in nats; the loss grows by beta for each weight.
        steps: draws of the noise; the first half finds the variances (Adam), the
            second measures the slopes.
        batch: images for each step.
        rate: Adam's learning rate for log s, falling to a tenth.
        shared: whether a convolution's weight has the same noise at every position, as
            one weight must. Without, noise is drawn for each position of the output by
            itself (local reparametrisation throughout, as the paper may have had it):
            that is smoother, but the trace of a network whose weights are not shared.

    Returns:
        The estimate; its error is that of the drawn noise and batches, from blocks of
        the second half, and leaves out the choice of images.

    Raises:
        InputError: fewer than 2 images, an impossible option, or a network with weights
            of another kind or with a layer that is called twice.
    """
    images = checked(images)
    beta, rate = number("beta", beta, True), number("rate", rate, True)
    steps, batch = whole("steps", steps, 2 * BLOCKS), whole("batch", batch, 1)
    with frozen(net):
        modules = measured(net, images, once=True)
        answers = _answers(net, images, labels)
        # a first guess of H = 0.1 for every weight
        logs = [
            torch.full_like(module.weight, float(np.log(20 * beta)))
            for module in modules.values()
        ]
        for log in logs:
            log.requires_grad_()
        slopes = partial(_slopes, net, images, answers, random, logs, batch)
        with _noise(modules, logs, random, shared):
            _minimise(logs, slopes, beta, steps // 2, rate)
            length = steps // (2 * BLOCKS)
            samples = [_curvatures(logs, slopes, length) for _ in range(BLOCKS)]
    return estimate_of(tuple(modules), np.array(samples))


def _answers(
    net: nn.Module, images: torch.Tensor, labels: torch.Tensor | None
) -> torch.Tensor:
    """What the noisy network should answer: probabilities (N, classes)."""
    with torch.no_grad():
        own = torch.cat([net(part) for part in images.split(256)]).float().softmax(1)
    if labels is None:
        return own
    if labels.shape != images.shape[:1]:
        raise InputError(
            f"{len(images)} images come with labels of shape {tuple(labels.shape)}: "
            "give one label for each image."
        )
    return F.one_hot(labels, own.shape[1]).to(own)


@contextlib.contextmanager
def _noise(
    modules: dict[str, nn.Module],
    logs: list[torch.Tensor],
    random: torch.Generator,
    shared: bool,
) -> Iterator[None]:
    """Within: each layer's output has the noise that its weights' noise would make."""

    def hook_of(log: torch.Tensor) -> Callable:
        def hook(module: nn.Module, inputs: tuple, output: torch.Tensor):
            return output + _drawn(module, inputs[0], log, random, shared)

        return hook

    pairs = zip(modules.values(), logs, strict=True)
    hooks = [m.register_forward_hook(hook_of(log), prepend=True) for m, log in pairs]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _drawn(
    module: nn.Module,
    x: torch.Tensor,
    log: torch.Tensor,
    random: torch.Generator,
    shared: bool,
) -> torch.Tensor:
    """What noise of variance exp(log) on the weights adds to the output for x.

    Each image has weight noise of its own. A linear map of vectors meets each weight
    once, so that the noise of its outputs is independent and can be drawn there (local
    reparametrisation, Kingma et al. 2015). A convolution, or a linear map of a sequence
    of vectors, meets each weight at every position, with the same noise; there one draw
    is shared by the batch, and its signs are flipped from image to image by input and
    output channel (flipout, Wen et al. 2018).
    """
    linear = isinstance(module, nn.Linear)
    map_ = F.linear if linear else module._conv_forward  # pads as the module does
    if x.ndim == 2 or not shared:
        variance = map_(x.square(), log.exp(), None)
        noise = torch.randn(variance.shape, generator=random).to(x.device)
        return variance.clamp_min(1e-20).sqrt() * noise  # the root of 0 has no slope
    noise = torch.randn(log.shape, generator=random).to(x.device)
    weight = (log / 2).exp() * noise
    channel = x.ndim - 1 if linear else 1
    before = _signs(x, channel, x.shape[channel], random)
    after = _signs(x, channel, len(log), random)
    return after * map_(x * before, weight, None)


def _signs(
    x: torch.Tensor, channel: int, count: int, random: torch.Generator
) -> torch.Tensor:
    """For each image of `x` and each of `count` channels, to multiply outputs by."""
    shape = [len(x), *[1] * (x.ndim - 1)]
    shape[channel] = count
    chosen = torch.rand(shape, generator=random) < 0.5
    return (chosen.float() * 2 - 1).to(x.device)


def _slopes(
    net: nn.Module,
    images: torch.Tensor,
    answers: torch.Tensor,
    random: torch.Generator,
    logs: list[torch.Tensor],
    batch: int,
) -> tuple[torch.Tensor, ...]:
    """Slopes of the loss along the log variances, from one batch and one draw."""
    chosen = torch.randint(len(images), (batch,), generator=random)
    with torch.enable_grad():
        logits = net(images[chosen.to(images.device)]).float()
        loss = F.cross_entropy(logits, answers[chosen.to(answers.device)])
        return torch.autograd.grad(loss, logs, materialize_grads=True)


def _minimise(
    logs: list[torch.Tensor],
    slopes: Callable[[], tuple[torch.Tensor, ...]],
    beta: float,
    steps: int,
    rate: float,
) -> None:
    """Adam over the log variances, in place, at a rate that falls to a tenth."""
    adam = torch.optim.Adam(logs, lr=rate)
    fall = torch.optim.lr_scheduler.ExponentialLR(adam, 0.1 ** (1 / steps))
    for _ in range(steps):
        for log, slope in zip(logs, slopes(), strict=True):
            log.grad = slope - beta
        adam.step()
        fall.step()
        with torch.no_grad():
            for log in logs:
                log.clamp_(max=float(np.log(2 * beta / FLAT)))


def _curvatures(
    logs: list[torch.Tensor],
    slopes: Callable[[], tuple[torch.Tensor, ...]],
    steps: int,
) -> list[float]:
    """The sum of H_ii over each layer: the slope along log s_i is H_ii s_i / 2."""
    means = [torch.zeros_like(log) for log in logs]
    for _ in range(steps):
        for mean, slope in zip(means, slopes(), strict=True):
            mean += slope / steps
    # on the CPU, for not all devices have double precision
    pairs = [
        (mean.cpu(), log.detach().cpu()) for mean, log in zip(means, logs, strict=True)
    ]
    return [
        float((2 * mean.double() / log.double().exp()).sum()) for mean, log in pairs
    ]
