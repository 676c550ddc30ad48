"""Squared norms of per-sample gradients, against plain differentiation by the weights.

`torch.func` differentiates by each weight, image by image; what is tested never does.
"""

import backpack
import pytest
import torch
from backpack.extensions import BatchL2Grad
from torch import nn
from torch.func import functional_call, grad, vmap

from cplib import models
from cplib.errors import InputError
from cplib.fisher.backward import squared_norms
from cplib.fisher.estimate import layers


class Reused(nn.Module):
    """A convolution that is called twice, and a linear map that never is."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.idle = nn.Linear(2, 2)

    def forward(self, x):
        return self.conv(self.conv(x).relu()).mean((2, 3))


class ByPosition(nn.Module):
    """A linear map applied to each column of pixels, as to the words of a text."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(24, 4)

    def forward(self, x):
        return self.linear(x.transpose(1, 3).flatten(2)).tanh().sum(1)


class InPlace(nn.Module):
    """The answer of the convolution is overwritten."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        return torch.relu_(self.conv(x)).mean((2, 3))


class Overwritten(InPlace):
    """The input of the convolution is overwritten."""

    def forward(self, x):
        x = x + 1
        y = self.conv(x)
        x.mul_(0)
        return y.mean((2, 3)) + x.sum()


def averaged(*modules):
    return nn.Sequential(*modules, nn.AdaptiveAvgPool2d(1), nn.Flatten())


NETS = {
    "all-cnn": lambda: models.AllCNN(3, 4, 5),
    "resnet": lambda: models.ResNet18(3, 2, 5),
    "depth": lambda: models.DepthCNN(3, 3, 1, 5),
    "mlp": lambda: models.MLP(3, 20, 8, 5),
    "groups": lambda: averaged(nn.Conv2d(3, 6, 3, groups=3), nn.Conv2d(6, 4, 2, 2)),
    "dilated": lambda: averaged(nn.Conv2d(3, 4, 3, dilation=2, padding=(2, 1))),
    "same": lambda: averaged(nn.Conv2d(3, 4, (5, 3), padding="same", dilation=(2, 1))),
    "valid": lambda: averaged(nn.Conv2d(3, 4, (2, 3), padding="valid", stride=(1, 2))),
    "circular": lambda: averaged(
        nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular"), nn.Conv2d(4, 4, 1)
    ),
    "padded 1x1": lambda: averaged(nn.Conv2d(3, 4, 1, padding=1, bias=True)),
    "reused": Reused,
    "by position": ByPosition,
    "in place": InPlace,
}


def seeded(make):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = make().eval()
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 2)
    return net


def made(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(len(shape)))


def by_weights(net, images, directions):
    """|d (v . logits) / d w|^2 for each image and layer, by `torch.func`."""
    weights = {name: p.detach() for name, p in net.named_parameters()}
    wanted = {n: weights.pop(f"{n}.weight") for n in layers(net)}
    rest = weights | dict(net.named_buffers())

    def score(wanted, image, v):
        named = {f"{name}.weight": w for name, w in wanted.items()}
        return functional_call(net, named | rest, (image[None],))[0] @ v

    found = vmap(grad(score), in_dims=(None, 0, 0))(wanted, images, directions)
    return torch.stack([g.flatten(1).square().sum(1) for g in found.values()], 1)


@pytest.mark.parametrize("name", NETS)
def test_squared_norms_are_those_of_the_gradients_by_the_weights(name):
    net, images = seeded(NETS[name]), made(7, 3, 8, 8)
    with torch.no_grad():
        v = made(*net(images).shape)
    found = squared_norms(net, images, lambda logits: v)
    wanted = by_weights(net, images, v)
    assert wanted.sum() > 0
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-8)


def test_few_and_many_positions_give_the_same_answer():
    """More pixels than weights and the other way round: both products are in use."""
    for side, channels in ((12, 2), (2, 24)):
        net = seeded(lambda c=channels: averaged(nn.Conv2d(c, c, 3, padding=1)))
        images = made(3, channels, side, side)
        v = made(3, channels)
        found = squared_norms(net, images, lambda logits, v=v: v)
        torch.testing.assert_close(found, by_weights(net, images, v), rtol=1e-4, atol=0)


def test_backpack_finds_the_same():
    net, images = seeded(NETS["mlp"]), made(6, 3, 8, 8)
    for module in net.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    labels = torch.tensor([0, 1, 2, 3, 4, 0])

    def by_labels(logits):
        return nn.functional.one_hot(labels, 5) - logits.softmax(1)

    found = squared_norms(net, images, by_labels)
    extended = backpack.extend(nn.Sequential(*net.layers)).eval()
    loss = backpack.extend(nn.CrossEntropyLoss(reduction="sum"))
    with backpack.backpack(BatchL2Grad()):
        loss(extended(images.clone().requires_grad_()), labels).backward()
    wanted = [m.weight.batch_l2 for m in layers(extended).values()]
    torch.testing.assert_close(found, torch.stack(wanted, 1), rtol=1e-4, atol=1e-8)


def test_it_leaves_the_network_as_it_was():
    net = seeded(NETS["all-cnn"])
    before = {k: v.clone() for k, v in net.state_dict().items()}
    with torch.no_grad():
        answer = net(made(2, 3, 8, 8))
    squared_norms(net, made(7, 3, 8, 8), torch.ones_like)
    with torch.no_grad():
        assert torch.equal(net(made(2, 3, 8, 8)), answer)
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())
    assert all(p.grad is None for p in net.parameters())
    assert not any(m._forward_hooks for m in net.modules())


def test_an_overwritten_input_is_an_error_and_not_a_wrong_number():
    with pytest.raises(InputError, match="'conv'.*inplace=False"):
        squared_norms(seeded(Overwritten), made(2, 3, 8, 8), torch.ones_like)
