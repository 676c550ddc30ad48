import itertools

import pytest
import torch
from torch import nn

from cplib import models
from cplib.errors import InputError
from cplib.models import ModelSpec


def count(net):
    return sum(p.numel() for p in net.parameters())


def shapes_and_macs(net, x):
    """Output shape of every convolution or linear layer, and multiply-adds of all."""
    shapes, macs = [], 0

    def hook(module, inputs, output):
        nonlocal macs
        shapes.append(tuple(output.shape[1:]))
        macs += output[0].numel() * module.weight[0].numel()

    layers = [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    for layer in layers:
        layer.register_forward_hook(hook)
    logits = net(x)
    return shapes, macs, logits


def test_all_cnn_of_the_paper_layer_by_layer():
    net = models.AllCNN()
    shapes, macs, logits = shapes_and_macs(net, torch.zeros(2, 3, 32, 32))
    assert shapes == [
        (96, 32, 32), (96, 32, 32), (192, 16, 16), (192, 16, 16), (192, 16, 16),
        (192, 8, 8), (192, 8, 8), (192, 8, 8), (10, 8, 8),
    ]  # fmt: skip
    assert logits.shape == (2, 10)
    # by hand: sum over layers of out_h * out_w * k * k * in * out
    pixels = [1024, 1024, 256, 256, 256, 64, 64, 64, 64]
    kernels = [9, 9, 9, 9, 9, 9, 9, 1, 1]
    channels = [3, 96, 96, 192, 192, 192, 192, 192, 192, 10]
    pairs = list(itertools.pairwise(channels))
    assert macs == sum(
        p * k * i * o for p, k, (i, o) in zip(pixels, kernels, pairs, strict=True)
    )
    assert round(macs / 1e6) == 345
    weights = sum(k * i * o for k, (i, o) in zip(kernels, pairs, strict=True))
    assert count(net) == weights + sum(2 * o for o in channels[1:])  # + BN


def test_resnet18_has_the_published_number_of_parameters():
    net = models.ResNet18()
    assert count(net) == 11_173_962  # the usual CIFAR ResNet-18
    shapes, macs, logits = shapes_and_macs(net, torch.zeros(2, 3, 32, 32))
    assert shapes[0] == (64, 32, 32)  # 3x3 stem, no max-pooling
    assert round(macs / 1e6) == 555
    assert logits.shape == (2, 10)


@pytest.mark.parametrize("blocks", [1, 2, 3])
def test_depth_cnn_follows_the_papers_line(blocks):
    net = models.DepthCNN(blocks=blocks)
    shapes, _, logits = shapes_and_macs(net, torch.zeros(2, 3, 32, 32))
    wanted = [(96, 32, 32)]
    for i in range(1, blocks + 1):
        side = 32 // 2**i
        wanted += [(96 * 2 ** (i - 1), 2 * side, 2 * side), (96 * 2**i, side, side)]
    top = 96 * 2**blocks
    wanted += [(top, side, side), (top, side, side), (10, side, side)]
    assert shapes == wanted
    assert logits.shape == (2, 10)


def test_mlp_of_the_paper():
    net = models.MLP()
    sizes = [m.out_features for m in net.modules() if isinstance(m, nn.Linear)]
    assert sizes == [2500, 2000, 1500, 1000, 500, 10]
    assert net(torch.zeros(2, 1, 32, 32)).shape == (2, 10)


@pytest.mark.parametrize("family", models.FAMILIES)
def test_weights_depend_on_the_seed_alone(family):
    spec = ModelSpec(family, 8, blocks=2 if family == "DepthCNN" else None)

    def weights(seed):
        net = models.build(spec, channels=3, size=16, seed=seed)
        return torch.cat([p.flatten() for p in net.parameters()])

    torch.manual_seed(1)
    first = weights(7)
    before = torch.random.get_rng_state()
    torch.manual_seed(2)
    assert torch.equal(first, weights(7))
    assert not torch.equal(first, weights(8))
    torch.manual_seed(1)
    weights(7)
    assert torch.equal(before, torch.random.get_rng_state())  # global state untouched


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("VGG", 8), ["VGG", "AllCNN"]),
        (("AllCNN", 0), ["width=0"]),
        (("AllCNN", 8, 2), ["blocks=2"]),
        (("DepthCNN", 8), ["blocks=None"]),
    ],
)
def test_bad_models_are_named(arguments, words):
    with pytest.raises(InputError) as error:
        ModelSpec(*arguments)
    assert all(word in str(error.value) for word in words)
