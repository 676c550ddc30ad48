"""The trace of the Fisher information: seconds to equal standard error, by method.

    python benchmarks/estimator.py [--rounds 3] [--device auto]

Three networks of the laptop scale, early, halfway and late in their training; each
method uses the same images and one thread. An estimate from n images has the standard
error s / sqrt(n), where s is the spread from image to image (or batch to batch). The
time to a given error is therefore proportional to (seconds per image) x (s / mean)^2,
whatever the number of images; smaller is better. Recorded are the time to a standard
error of 1 %, and the time that measuring after each epoch, as the studies do, adds to
training.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from dataclasses import replace

import bench
import numpy as np
import torch
from bench import Ratio
from plain import squared_gradients
from torch import nn
from torch.func import functional_call, grad, vmap

from cplib import data, fisher, studies, training
from cplib._base import console
from cplib._base.device import deterministic, stream
from cplib.fisher.estimate import layers, measuring

# study, in words, epochs: early, halfway, late
NETS = (
    ("5", "All-CNN, CIFAR-10", (1, 40, 160)),
    ("3BL", "All-CNN, fixed learning rate", (1, 40, 160)),
    ("3TR", "fully connected, MNIST", (1, 40, 160)),
)
STAGES = ("early", "mid", "late")
ERROR = 0.01
AGREE = 6  # standard errors (which are estimates themselves)
LOOP, VMAP, BACKPACK = "loop", "vmap, labels drawn", "BackPACK, labels drawn"
EXACT, SINGLE, OURS = "BackPACK, all labels", "single backward", "cplib"
METHODS = (LOOP, VMAP, BACKPACK, EXACT, SINGLE, OURS)
CHUNK = 128


def loop(net: nn.Module, images: torch.Tensor, random) -> np.ndarray:
    """The squared gradients image by image, (N,)."""
    with measuring(net, images):
        return np.array([sum(squared_gradients(net, image[None])) for image in images])


def by_vmap(net: nn.Module, images: torch.Tensor, random) -> np.ndarray:
    """The squared gradients by `torch.func`, as its documentation does it, (N,)."""
    weights = {k: v.detach() for k, v in net.named_parameters()}
    wanted = {f"{n}.weight": weights.pop(f"{n}.weight") for n in layers(net)}
    rest = weights | dict(net.named_buffers())

    def loss(wanted, image, label):
        logits = functional_call(net, wanted | rest, (image[None],))
        return nn.functional.cross_entropy(logits, label[None])

    gradients = vmap(grad(loss), in_dims=(None, 0, 0))
    found = []
    with measuring(net, images):
        for part in images.split(32):  # the fastest of 16, 32, 64 and 128
            g = gradients(wanted, part, drawn(net, part))
            found.append(sum(v.flatten(1).square().sum(1) for v in g.values()))
    return torch.cat(found).cpu().numpy()


def drawn(net: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """A label for each image, from the network's answer."""
    with torch.no_grad():
        return torch.distributions.Categorical(logits=net(images)).sample()


def backpacked(extension: Callable, name: str, labels: bool) -> Callable:
    """BackPACK's `extension`, which leaves `name` in every layer's weight."""

    def estimate(net: nn.Module, images: torch.Tensor, random) -> np.ndarray:
        import backpack

        extended = backpack.extend(sequential(net)).eval()
        loss = backpack.extend(nn.CrossEntropyLoss(reduction="sum"))
        found = []
        for part in images.split(CHUNK if labels else 32):  # all labels need memory
            y = drawn(net.eval(), part)
            with backpack.backpack(extension()):
                loss(extended(part.clone().requires_grad_()), y).backward()
            parts = [getattr(m.weight, name) for m in layers(extended).values()]
            found.append(sum(p if labels else p.flatten(1).sum(1) for p in parts))
            for parameter in extended.parameters():
                delattr(parameter, name)
        return torch.cat([f.detach() for f in found]).cpu().numpy()

    return estimate


def sequential(net: nn.Module) -> nn.Sequential:
    """`net` in the form that BackPACK needs: a chain of modules, none in place."""
    net = copy.deepcopy(net)  # BackPACK leaves hooks in what it extends
    blocks = getattr(net, "blocks", None)
    chain = [m for block in blocks for m in block] if blocks else list(net.layers)
    chain = [nn.ReLU() if isinstance(m, nn.ReLU) else m for m in chain]
    end = [nn.AdaptiveAvgPool2d(1), nn.Flatten()] if blocks else []
    return nn.Sequential(*chain, *end)


def single(net: nn.Module, images: torch.Tensor, random) -> fisher.Estimate:
    """The estimate from one backward pass per batch."""
    return fisher.single_backward(net, images, random)


def ours(net: nn.Module, images: torch.Tensor, random) -> fisher.Estimate:
    """The estimate of `fisher.trace`."""
    return fisher.trace(net, images, random)


def estimators() -> dict[str, Callable]:
    """Each method's function; BackPACK's where it is installed."""
    found = {LOOP: loop, VMAP: by_vmap, SINGLE: single, OURS: ours}
    try:
        from backpack.extensions import BatchDiagGGNExact, BatchL2Grad
    except ImportError:
        print("Without backpack-for-pytorch (requirements-dev.txt): left out.")
        return found
    found[BACKPACK] = backpacked(BatchL2Grad, "batch_l2", True)
    found[EXACT] = backpacked(BatchDiagGGNExact, "diag_ggn_exact_batch", False)
    return {name: found[name] for name in METHODS}


def measure(
    trial: bench.Bench, where: str, net, images: torch.Tensor, call
) -> tuple[float, float]:
    """Record the seconds in which `call` reaches a standard error of `ERROR`.

    Returns:
        The estimate and its standard error.
    """
    done = len(trial.record.measured.get(where, []))
    random = stream(done, where)
    torch.manual_seed(done)
    call(net, images[:CHUNK], random)  # warm-up
    outcome = []
    taken = bench.seconds(
        lambda: outcome.append(call(net, images, random)), trial.device
    )
    found = outcome[0]
    if isinstance(found, fisher.Estimate):
        mean, error = found.total, found.total_error
    else:
        mean, error = found.mean(), found.std(ddof=1) / len(found) ** 0.5
    trial.add(where, taken * (error / mean / ERROR) ** 2)
    return mean, error


def measure_stage(trial: bench.Bench, where: str, net, images: torch.Tensor) -> None:
    """Measure every method on `net`; the estimates must agree within their errors."""
    found = {}
    for name, call in estimators().items():
        count = {LOOP: 600, EXACT: 600}.get(name, len(images))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # BackPACK's, about modules without weights
            found[name] = measure(trial, f"{where}: {name}", net, images[:count], call)
    mean, error = found[OURS]
    for name, (other, its_error) in found.items():
        apart = abs(other - mean) / np.hypot(error, its_error)
        print(f"    {name}: {other:.4g} ± {its_error:.2g}")
        assert apart < AGREE, f"{name} is {apart:.1f} standard errors from {OURS}"


def ratios(nets) -> list[Ratio]:
    """The comparisons: every method with `cplib`."""
    aims = {("early", LOOP): 1.5, ("late", LOOP): 50}
    found = []
    for _, words, _ in nets:
        for stage in STAGES:
            for name in METHODS[:-1]:
                aim = aims.get((stage, name), None if name == LOOP else 1)
                where = f"{words}, {stage}"
                ends = f"{where}: {name}", f"{where}: {OURS}"
                found.append(Ratio(f"{where}: {name}", *ends, aim))
        ends = f"{words}: an epoch and a trace", f"{words}: an epoch"
        found.append(Ratio(f"{words}: an epoch with a trace, to one without", *ends))
    return found


def probing(trial: bench.Bench, words: str, setup: training.Setup, dataset) -> None:
    """Time an epoch of training without and with a measurement after it."""
    images = studies.get("5", "smoke" if len(dataset.test_labels) < 500 else "laptop")
    probed = replace(setup, probe=replace(images.setup.probe, every=1))
    for name, chosen in (("an epoch", setup), ("an epoch and a trace", probed)):
        state = training.start(chosen, 0, dataset)
        training.advance(state, chosen, 0, dataset, [(None, 1)])
        trial.time(
            f"{words}: {name}",
            lambda s=state, c=chosen: training.advance(s, c, 0, dataset, [(None, 2)]),
        )


def main() -> None:
    arguments = bench.options(__doc__).parse_args()
    scale, nets = "laptop", NETS
    if arguments.small:
        scale, nets = "smoke", [(*net[:2], (1, 2, 3)) for net in NETS]
    count = 256 if arguments.small else 1_250  # all training images
    setting = {
        "networks": f"{scale} scale, seed 0, no deficit",
        "images": f"{count:,} (the loop and all labels: 600)",
        "threads": "1",
        "noted": f"seconds to a standard error of {ERROR:.0%}",
    }
    trial = bench.Bench(
        "estimator", arguments, setting, ratios(nets), "seconds to 1 % error"
    )
    with deterministic(trial.device):
        for study, words, epochs in nets:
            setup = replace(studies.get(study, scale).setup, probe=None)
            dataset = data.load(setup.data, trial.device)
            state = training.start(setup, 0, dataset)
            for stage, epoch in zip(STAGES, epochs, strict=True):
                training.advance(state, setup, 0, dataset, [(None, epoch)])
                print(f"{words}, epoch {epoch}:", state.log[-1].round(3).tolist())
                for _ in range(trial.rounds):
                    images = dataset.train_images[:count]
                    measure_stage(trial, f"{words}, {stage}", state.net, images)
            for _ in range(trial.rounds):
                probing(trial, words, setup, dataset)
            trial.save()
    trial.show()


if __name__ == "__main__":
    console.run(main)
