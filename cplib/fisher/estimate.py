"""An estimate of the trace of the Fisher information, and what all estimators share."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn.parameter import is_lazy

from .._base.device import isolated
from ..errors import InputError

__all__ = ["Estimate", "checked", "estimate_of", "frozen", "layers", "measured"]

KINDS = nn.Conv2d, nn.Linear  # and not what is derived from them and may act otherwise


@dataclass(frozen=True)
class Estimate:
    """An estimate of the trace, layer by layer.

    Attributes:
        layers: names of the layers' modules, from the input to the output.
        trace: trace of each layer's block of the Fisher information, (layers,).
        error: standard error of each, (layers,).
        total: their sum.
        total_error: its standard error. Layers share images and labels, so it is not
            the root of the sum of squares.
        samples: number of images (or of batches, or of blocks) behind the errors.
    """

    layers: tuple[str, ...]
    trace: np.ndarray
    error: np.ndarray
    total: float
    total_error: float
    samples: int

    @property
    def share(self) -> np.ndarray:
        """Each layer's part of the total, (layers,), summing to 1 (paper, Fig. 5)."""
        return self.trace / self.total


def estimate_of(names: tuple[str, ...], samples: np.ndarray) -> Estimate:
    """The mean over independent `samples` (n, layers) and its standard error."""
    root = np.sqrt(len(samples))
    total = samples.sum(1)
    return Estimate(
        layers=names,
        trace=samples.mean(0),
        error=samples.std(0, ddof=1) / root,
        total=float(total.mean()),
        total_error=float(total.std(ddof=1) / root),
        samples=len(samples),
    )


def layers(net: nn.Module) -> dict[str, nn.Module]:
    """The convolutions and linear maps of `net` by name, from input to output.

    A shortcut's projection comes after the convolutions that it passes by. A layer
    whose weights are frozen (`requires_grad=False`) is left out.
    """
    found = {}
    for name, weight in _weights(net).items():
        owner = name.rpartition(".")[0]
        module = net.get_submodule(owner)
        if type(module) in KINDS and module.weight is weight:
            found[owner] = module
    if not found:
        raise _nothing(net)
    return found


def measured(
    net: nn.Module, images: torch.Tensor, *, once: bool = False
) -> dict[str, nn.Module]:
    """`layers(net)`, when it is sure that no other weight has a say in the answers.

    Args:
        net: the network, in evaluation mode.
        images: its probe set; the first two are passed through the network.
        once: whether no layer may be called twice for an answer.

    Raises:
        InputError: weights, by name, that act in another way than as those of a layer
            that is called with a row for each image; or no weights at all.
    """
    modules, weights = layers(net), _weights(net)
    with torch.enable_grad(), _constant(modules.values(), once) as calls:
        score = net(images[:2]).sum()
    if not calls.total():
        raise _nothing(net)
    found = [None] * len(weights)
    if score.requires_grad:
        found = torch.autograd.grad(score, [*weights.values()], allow_unused=True)
    others = [n for n, g in zip(weights, found, strict=True) if g is not None]
    if others:
        raise InputError(
            f"{type(net).__name__} has weights that cannot be measured, for they are "
            f"not those of an nn.Conv2d or nn.Linear that is called {'once, ' * once}"
            f"with a row for each image: {', '.join(others)}; freeze them with "
            "requires_grad_(False) to leave them out."
        )
    return modules


@contextlib.contextmanager
def _constant(modules: Iterable[nn.Module], once: bool) -> Iterator[Counter]:
    """Within: a layer's weight has no gradient from its calls; these are counted.

    It has one from calls that the estimators would not understand.
    """
    calls: Counter = Counter()

    def before(module: nn.Module, args: tuple) -> None:
        calls[module] += torch.is_grad_enabled()
        seen = args and len(args[0]) == 2 and not (once and calls[module] > 1)
        module.weight.requires_grad_(not seen)

    def after(module: nn.Module, args: tuple, output: torch.Tensor) -> None:
        module.weight.requires_grad_()

    with contextlib.ExitStack() as stack:
        for m in modules:
            stack.callback(m.register_forward_pre_hook(before).remove)
            stack.callback(m.register_forward_hook(after, always_call=True).remove)
        yield calls


def _weights(net: nn.Module) -> dict[str, nn.Parameter]:
    """What training can change, but for vectors (biases and scales), by name."""
    for name, parameter in net.named_parameters():
        if is_lazy(parameter):
            raise InputError(
                f"{name} of {type(net).__name__} has no shape yet: show the network a "
                "first batch before it is measured."
            )
    named = net.named_parameters()
    return {name: p for name, p in named if p.requires_grad and p.ndim > 1}


def _nothing(net: nn.Module) -> InputError:
    return InputError(
        f"{type(net).__name__} uses no nn.Conv2d and no nn.Linear whose weight can be "
        "trained (requires_grad), so there is nothing to measure."
    )


@contextlib.contextmanager
def frozen(net: nn.Module) -> Iterator[None]:
    """Within: `net` in evaluation mode, `isolated`; on leaving, as it was before."""
    modes = {module: module.training for module in net.modules()}
    net.eval()
    try:
        with isolated():
            yield
    finally:
        for module, mode in modes.items():
            module.training = mode


def checked(images: torch.Tensor) -> torch.Tensor:
    """`images`, which may come from `torch.inference_mode`; 2 or more of them."""
    if images.ndim < 2 or len(images) < 2:
        raise InputError(
            f"A probe set of shape {tuple(images.shape)} gives no standard error: "
            "give 2 or more images."
        )
    with torch.inference_mode(False):
        return images.clone() if images.is_inference() else images
