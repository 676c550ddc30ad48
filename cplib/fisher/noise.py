"""The trace of the Fisher information by noise injection."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .._base.plain import number, whole
from ..errors import InputError
from .estimate import Estimate, estimate_of, hooked, measuring

# Smallest curvature that is found: the noise on a weight that does not matter would
# otherwise grow without bound.
FLAT = 1e-6
GUESS = 0.1  # initial value of every weight's curvature
BLOCKS = 8


def noise_injection(
    net: nn.Module,
    images: Tensor,
    random: torch.Generator,
    *,
    labels: Tensor | None = None,
    beta: float = 1e-6,
    steps: int = 400,
    batch: int = 64,
    rate: float = 0.1,
    shared: bool = True,
) -> Estimate:
    """The trace by noise injection into the weights (networks without shortcuts).

    Each weight w_i gets Gaussian noise of its own variance s_i, and the variances
    minimise E[loss] - beta sum_i log s_i. To second order E[loss] grows by
    sum_i H_ii s_i / 2, so that s_i = 2 beta / H_ii at the optimum (paper, Materials and
    Methods). But variances found in noisy steps scatter about it, and the sum of
    2 beta / s_i would be too large. So they are fixed for the second half of the steps,
    and H_ii is read off the slope of E[loss] along log s_i, which is H_ii s_i / 2.

    This looks at a neighbourhood of the weights, not at a point: where the loss is
    rugged it is smoother than `trace`, and its bias grows with beta.

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
        shared: whether a convolution's weight has the same noise at every position.
            If not, noise is drawn separately for each position of the output (as the
            paper may have done): smoother, but the trace of a network whose weights
            are not shared.

    The error is that of the drawn noise and batches, and leaves out the choice of
    images. A network with a layer that is called twice is rejected.
    """
    beta, rate = number("beta", beta, True), number("rate", rate, True)
    steps, batch = whole("steps", steps, 2 * BLOCKS), whole("batch", batch, 1)
    with measuring(net, images, once=True) as (modules, images):
        answers = _answers(net, images, labels)
        start = float(np.log(2 * beta / GUESS))
        logs = {
            module: torch.full_like(module.weight, start).requires_grad_()
            for module in modules.values()
        }
        noise = _Noise(net, images, answers, random, batch, shared, logs)
        with hooked(logs, noise.add):
            noise.minimise(beta, steps // 2, rate)
            length = steps // (2 * BLOCKS)
            samples = [noise.curvatures(length) for _ in range(BLOCKS)]
    return estimate_of(modules, np.array(samples))


def _answers(net: nn.Module, images: Tensor, labels: Tensor | None) -> Tensor:
    """Target answers of the noisy network: probabilities (N, classes)."""
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


@dataclass
class _Noise:
    """Noise on the weights: `logs` are the logarithms of its variances, by layer."""

    net: nn.Module
    images: Tensor
    answers: Tensor
    random: torch.Generator
    batch: int
    shared: bool
    logs: dict[nn.Module, Tensor]

    def add(self, module: nn.Module, args: tuple, output: Tensor) -> Tensor:
        """A forward hook: the output of a layer whose weights have noise, per image.

        A linear map of vectors uses each weight once, so that the noise of its outputs
        is independent and can be drawn there (local reparametrisation, Kingma et al.
        2015). A convolution, or a linear map of a sequence, uses each weight at every
        position; there one draw is shared by the batch, and its signs are flipped from
        image to image by input and output channel (flipout, Wen et al. 2018).
        """
        x, log, linear = args[0], self.logs[module], isinstance(module, nn.Linear)
        map_ = F.linear if linear else module._conv_forward  # pads as the module does
        if x.ndim == 2 or not self.shared:
            variance = map_(x.square(), log.exp(), None)
            spread = variance.clamp_min(1e-20).sqrt()  # the root of 0 has no slope
            return output + spread * self._normal(variance)
        weight = (log / 2).exp() * self._normal(log)
        channel = x.ndim - 1 if linear else 1
        before = self._signs(x, channel, x.shape[channel])
        after = self._signs(x, channel, len(log))
        return output + after * map_(x * before, weight, None)

    def _normal(self, like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=self.random).to(like.device)

    def _signs(self, x: Tensor, channel: int, count: int) -> Tensor:
        """Random signs, +-1, for each image of `x` and each of `count` channels."""
        shape = [len(x), *[1] * (x.ndim - 1)]
        shape[channel] = count
        chosen = torch.rand(shape, generator=self.random) < 0.5
        return (chosen.float() * 2 - 1).to(x.device)

    def slopes(self) -> tuple[Tensor, ...]:
        """Slopes of the loss along the logarithms, from one batch and one draw."""
        chosen = torch.randint(len(self.images), (self.batch,), generator=self.random)
        chosen = chosen.to(self.images.device)
        logits = self.net(self.images[chosen]).float()
        loss = F.cross_entropy(logits, self.answers[chosen])
        return torch.autograd.grad(loss, [*self.logs.values()], materialize_grads=True)

    def minimise(self, beta: float, steps: int, rate: float) -> None:
        """Adam over the logarithms, in place, at a rate that falls to a tenth."""
        logs = [*self.logs.values()]
        adam = torch.optim.Adam(logs, lr=rate)
        fall = torch.optim.lr_scheduler.ExponentialLR(adam, 0.1 ** (1 / steps))
        for _ in range(steps):
            for log, slope in zip(logs, self.slopes(), strict=True):
                log.grad = slope - beta
            adam.step()
            fall.step()
            with torch.no_grad():
                for log in logs:
                    log.clamp_(max=float(np.log(2 * beta / FLAT)))

    def curvatures(self, steps: int) -> list[float]:
        """The sum of H_ii over each layer: the slope along log s_i is H_ii s_i / 2."""
        means = [torch.zeros_like(log) for log in self.logs.values()]
        for _ in range(steps):
            for mean, slope in zip(means, self.slopes(), strict=True):
                mean += slope / steps
        return [
            # on the CPU, since not all devices have double precision
            float((2 * mean.cpu().double() / log.detach().cpu().double().exp()).sum())
            for mean, log in zip(means, self.logs.values(), strict=True)
        ]
