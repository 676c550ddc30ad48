"""Parts of all estimators: the layers that they measure, and the estimate."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from .._base.device import isolated
from ..errors import InputError

KINDS = nn.Conv2d, nn.Linear  # not subclasses, which may act differently


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


def estimate_of(names: Iterable[str], samples: np.ndarray) -> Estimate:
    """The mean over independent `samples` (n, layers) and its standard error."""
    each, total = (
        (x.mean(0), x.std(0, ddof=1) / np.sqrt(len(x)))
        for x in (samples, samples.sum(1))
    )
    return Estimate(tuple(names), *each, *map(float, total), samples=len(samples))


def layers(net: nn.Module) -> dict[str, nn.Module]:
    """The convolutions and linear maps of `net` by name, from input to output.

    A shortcut's projection comes after the convolutions that it bypasses. A layer
    whose weights are frozen (`requires_grad=False`) is left out.
    """
    found = {}
    for name, weight in _weights(net).items():
        owner = name.rpartition(".")[0]
        module = net.get_submodule(owner)
        if type(module) in KINDS and module.weight is weight:
            found[owner] = module
    return found


@contextlib.contextmanager
def measuring(
    net: nn.Module, images: Tensor, *, once: bool = False
) -> Iterator[tuple[dict[str, nn.Module], Tensor]]:
    """Context with `net` in evaluation mode, `isolated`; then `net` is as before.

    Yields `layers(net)` and the images, which may come from `torch.inference_mode`.
    With `once`, no layer may be called twice for an answer.
    """
    if images.ndim < 2 or len(images) < 2:
        raise InputError(
            f"A probe set of shape {tuple(images.shape)} gives no standard error: "
            "give 2 or more images."
        )
    with torch.inference_mode(False):
        images = images.clone() if images.is_inference() else images
    modes = {module: module.training for module in net.modules()}
    net.eval()
    try:
        with isolated():
            modules = layers(net)
            _refuse_others(net, modules.values(), images[:2], once)
            yield modules, images
    finally:
        for module, mode in modes.items():
            module.training = mode


def _refuse_others(
    net: nn.Module, modules: Iterable[nn.Module], images: Tensor, once: bool
) -> None:
    """Raise `InputError` if other weights than those of `modules` affect the output.

    In calls that the estimators understand, with a row for each image, a layer's weight
    is made a constant. What has a gradient nevertheless cannot be measured.
    """
    weights, calls = _weights(net), Counter()

    def before(module: nn.Module, args: tuple) -> None:
        calls[module] += torch.is_grad_enabled()
        known = args and len(args[0]) == len(images)
        module.weight.requires_grad_(not known or (once and calls[module] > 1))

    def after(module: nn.Module, args: tuple, output: Tensor) -> None:
        module.weight.requires_grad_()

    with contextlib.ExitStack() as stack:
        for m in modules:
            stack.callback(m.register_forward_pre_hook(before).remove)
            stack.callback(m.register_forward_hook(after, always_call=True).remove)
        score = net(images).sum()
    kind, found = type(net).__name__, [None] * len(weights)
    if not calls.total():
        raise InputError(
            f"{kind} uses no nn.Conv2d and no nn.Linear whose weight can be trained "
            "(requires_grad), so there is nothing to measure."
        )
    if score.requires_grad:
        found = torch.autograd.grad(score, [*weights.values()], allow_unused=True)
    if others := [n for n, g in zip(weights, found, strict=True) if g is not None]:
        raise InputError(
            f"{kind} has weights that cannot be measured, as they are not those of an "
            f"nn.Conv2d or nn.Linear that is called {'once, ' * once}with a row for "
            f"each image: {', '.join(others)}; freeze them with requires_grad_(False) "
            "to leave them out."
        )


def _weights(net: nn.Module) -> dict[str, nn.Parameter]:
    """The weights that training can change, by name; no vectors (biases, scales)."""
    for name, parameter in net.named_parameters():
        if is_lazy(parameter):
            raise InputError(
                f"{name} of {type(net).__name__} has no shape yet: pass a batch "
                "through the network before measuring it."
            )
    named = net.named_parameters()
    return {name: p for name, p in named if p.requires_grad and p.ndim > 1}


@contextlib.contextmanager
def hooked(modules: Iterable[nn.Module], hook: Callable) -> Iterator[None]:
    """Context in which `hook` sees and changes outputs of `modules`, before others."""
    with contextlib.ExitStack() as stack:
        for m in modules:
            stack.callback(m.register_forward_hook(hook, prepend=True).remove)
        yield
