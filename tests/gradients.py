"""Gradients and Fisher information of every network, in double or single precision.

    python tests/gradients.py double FILE [all]     writes the reference
    python tests/gradients.py single FILE [all]     compares with it; 1 where it differs

ReLU is replaced by softplus: rounding may put an input at zero on either side, and both
are right, but their gradients differ. Convolutions, normalisation and products are what
the processor's kind decides, and they see the same shapes.
"""

import itertools
import sys
from unittest import mock

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn

from cplib import fisher, models
from cplib._base.device import isolated
from cplib.models import ModelSpec

FAMILIES = {"AllCNN": None, "ResNet18": None, "DepthCNN": 3, "MLP": None}
WIDTHS, SIZES, BATCHES = range(1, 18), (16, 32), (1, 7, 32, 128)
# without `all`; most of the time goes into oneDNN's making its code for each shape
QUICK_WIDTHS, QUICK_SHAPES = range(1, 9), {(16, b) for b in BATCHES} | {(32, 7)}
TOLERANCE = 1e-3  # sound processors differ by 1e-4 at most, the kernel of old by .02


def cases(all_of_them):
    for case in itertools.product(FAMILIES, WIDTHS, SIZES, BATCHES):
        _, width, size, batch = case
        if all_of_them or (width in QUICK_WIDTHS and (size, batch) in QUICK_SHAPES):
            yield case


def network(family, width, size, dtype):
    spec = ModelSpec(family, width, FAMILIES[family])
    net = models.build(spec, channels=3, size=size, seed=0).to(dtype)
    for module in list(net.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.ReLU):
                setattr(module, name, nn.Softplus())
    return net.to(memory_format=torch.channels_last)


def examples(size, batch, dtype):
    random = torch.Generator().manual_seed(batch)
    x = torch.randn(batch, 3, size, size, generator=random)
    y = torch.randint(10, (batch,), generator=random)
    return x.to(dtype, memory_format=torch.channels_last), y


def gradients(family, width, size, batch, dtype):
    """The loss, and the gradient of every parameter by its name."""
    net = network(family, width, size, dtype)
    if (family, batch) == ("MLP", 1):  # one value has no variance
        net.eval()
    x, y = examples(size, batch, dtype)
    loss = F.cross_entropy(net(x), y)
    names, parameters = zip(*net.named_parameters(), strict=True)
    found = torch.autograd.grad(loss, parameters)
    return {"loss": loss.detach(), **dict(zip(names, found, strict=True))}


def information(family, width, dtype):
    """What the three estimators say of each layer."""
    net = network(family, width, 16, dtype)
    x, _ = examples(16, 24, dtype)
    ways = {
        "signs": lambda random: fisher.trace(net, x, random),
        "labels": lambda random: fisher.trace(net, x, random, labels="sampled"),
        "backward": lambda random: fisher.single_backward(net, x, random, batch=8),
        "noise": lambda random: fisher.noise_injection(net, x, random, steps=16),
    }
    if family == "ResNet18":  # whose shortcuts the third is not made for
        del ways["noise"]
    random = torch.Generator()
    traces = {name: way(random.manual_seed(0)).trace for name, way in ways.items()}
    return {name: torch.from_numpy(trace) for name, trace in traces.items()}


@isolated()
def everything(dtype, all_of_them):
    """Tensors by name, case by case."""
    with mock.patch("torch.relu", F.softplus):
        for case in cases(all_of_them):
            yield case, gradients(*case, dtype)
        for family, width in itertools.product(FAMILIES, (2, 5, 8)):
            yield (family, width, "Fisher"), information(family, width, dtype)


def named(case, tensors):
    return {"/".join(map(str, (*case, name))): t for name, t in tensors.items()}


def differences(reference, case, tensors):
    """The worst of `case`: its error, as a part of what it should be, and its name.

    A gradient that is zero but for rounding is measured by all the others.
    """
    right = [reference[name] for name in named(case, tensors)]
    whole = torch.cat([tensor.flatten() for tensor in right]).norm()
    errors = [
        ((found.double() - wanted).norm() / (wanted.norm() + whole / 100)).nan_to_num(9)
        for found, wanted in zip(tensors.values(), right, strict=True)
    ]
    return max(zip(map(float, errors), named(case, tensors), strict=True))


def main(what, file, *rest):
    if what == "double":
        found = {}
        for case, tensors in everything(torch.float64, "all" in rest):
            found |= named(case, tensors)
        save_file({n: t.contiguous() for n, t in found.items()}, file)
        return 0
    reference, errors = load_file(file), []
    for case, tensors in everything(torch.float32, "all" in rest):
        print(*case, flush=True)  # the last one before a crash or a hang
        errors.append(differences(reference, case, tensors))
    wrong = sorted(e for e in errors if not e[0] < TOLERANCE)[::-1]
    print(f"{len(errors)} cases, {len(wrong)} wrong, worst {max(errors)}")
    print(*wrong[:20], sep="\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
