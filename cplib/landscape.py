"""The trace of the Fisher information from the noise that the weights bear."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from .errors import InputError
from .information import Estimate, check_images, estimate_of, frozen, layers

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
) -> Estimate:
    """The trace from the noise that the weights bear (for networks without shortcuts).

    Each weight w_i gets Gaussian noise of its own variance s_i, and the variances
    minimise E[loss] - beta sum_i log s_i. To second order E[loss] grows by
    sum_i H_ii s_i / 2, so that s_i = 2 beta / H_ii at the optimum, and H_ii is read off
    s_i (paper, Materials and Methods; PROTOCOL: "Noisy-landscape estimator"). Noise is
    drawn on each layer's output (local reparametrisation); the weights, batch
    normalisation and all biases stay as they are.

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
        steps: of Adam; the first half finds the variances, the second is averaged.
        batch: images for each step.
        rate: Adam's learning rate for log s, falling to a tenth.

    Returns:
        The estimate; its error is that of the optimisation, from blocks of the second
        half, and leaves out the choice of images.
    """
    check_images(images)
    if not beta > 0 or steps < 2 * BLOCKS:
        raise InputError(
            f"beta={beta!r} must be positive and steps={steps!r} {2 * BLOCKS} or more."
        )
    modules = layers(net)
    with frozen(net):
        answers = _answers(net, images, labels)
        # a first guess of H = 0.1 for every weight
        logs = [
            torch.full_like(module.weight, float(np.log(20 * beta)))
            for module in modules.values()
        ]
        with _noise(modules, logs, random):
            samples = np.array(
                [
                    _curvatures(logs, beta)
                    for logs in _minimised(
                        net, images, answers, random, logs, beta, steps, batch, rate
                    )
                ]
            )
    return estimate_of(tuple(modules), samples)


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
    modules: dict[str, nn.Module], logs: list[torch.Tensor], random: torch.Generator
) -> Iterator[None]:
    """Within: each layer's output has the noise that its weights' noise would make."""

    def hook_of(log: torch.Tensor) -> Callable:
        def hook(module: nn.Module, inputs: tuple, output: torch.Tensor):
            variance = _linear_part(module, inputs[0].square(), log.exp())
            drawn = torch.randn(output.shape, generator=random).to(output.device)
            # the root of 0 has no slope
            return output + variance.clamp_min(1e-20).sqrt() * drawn

        return hook

    pairs = zip(modules.values(), logs, strict=True)
    hooks = [module.register_forward_hook(hook_of(log)) for module, log in pairs]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _linear_part(
    module: nn.Module, x: torch.Tensor, weight: torch.Tensor
) -> torch.Tensor:
    """What `module` would give for x with other weights and without bias."""
    if isinstance(module, nn.Linear):
        return F.linear(x, weight)
    return F.conv2d(
        x, weight, None, module.stride, module.padding, module.dilation, module.groups
    )


def _minimised(
    net: nn.Module,
    images: torch.Tensor,
    answers: torch.Tensor,
    random: torch.Generator,
    logs: list[torch.Tensor],
    beta: float,
    steps: int,
    batch: int,
    rate: float,
) -> Iterator[list[torch.Tensor]]:
    """Minimise over the log variances; their means over blocks of the second half."""
    for log in logs:
        log.requires_grad_()
    adam = torch.optim.Adam(logs, lr=rate)
    length = steps // (2 * BLOCKS)
    sums = [torch.zeros_like(log) for log in logs]
    for step in range(-steps // 2, BLOCKS * length):
        chosen = torch.randint(len(images), (batch,), generator=random)
        with torch.enable_grad():
            logits = net(images[chosen.to(images.device)]).float()
            aim = answers[chosen.to(answers.device)]
            loss = F.cross_entropy(logits, aim)
            loss = loss - beta * sum(log.sum() for log in logs)
            found = torch.autograd.grad(loss, logs)
        for log, gradient in zip(logs, found, strict=True):
            log.grad = gradient
        if step == 0:  # found by now; the rest is averaged, in smaller steps
            adam.param_groups[0]["lr"] = rate / 4
        adam.step()
        with torch.no_grad():
            for log, total in zip(logs, sums, strict=True):
                log.clamp_(max=float(np.log(2 * beta / FLAT)))
                if step >= 0:
                    total += log
        if step >= 0 and (step + 1) % length == 0:
            # log s is averaged, for the mean of 1 / s would be too large
            yield [total / length for total in sums]
            sums = [torch.zeros_like(log) for log in logs]


def _curvatures(logs: list[torch.Tensor], beta: float) -> list[float]:
    """The sum of H_ii = 2 beta / s_i over each layer."""
    return [float((2 * beta * (-log).double().exp()).sum()) for log in logs]
