"""The engine's networks against PyTorch's in double precision."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from native import Engine, Stream, pairs
from torch import nn

from cplib import fisher
from cplib.fisher import backward
from cplib.training.loop import evaluate

pytestmark = pytest.mark.usefixtures("one_thread")
SINGLE = 1e-5  # relative, of sums of single-precision numbers
NETWORKS = {
    "AllCNN": {},
    "odd width, 3 classes": {"width": 5, "classes": 3},
    "grey, 12 pixels": {"channels": 1, "size": 12},
    "8 pixels": {"size": 8},
    "MLP": {"family": "MLP", "width": 60},
    "grey MLP": {"family": "MLP", "width": 11, "channels": 1, "size": 8, "classes": 7},
}
RATE, MOMENTUM, DECAY = 0.05, 0.9, 0.001


def sgd(net, rate=RATE):
    return torch.optim.SGD(net.parameters(), rate, MOMENTUM, weight_decay=DECAY)


def batch_of(engine, count):
    random = torch.Generator().manual_seed(0)
    shape = count, engine.channels, engine.size, engine.size
    images = torch.randn(shape, generator=random)
    return images, torch.randint(0, engine.classes, (count,), generator=random)


def learn(engine, images, labels):
    """Gradients of the mean loss, in the engine; logits, of all examples."""
    count, classes = len(images), engine.classes
    engine.input(images)
    engine.c.forward(count, 1)
    logits = torch.tensor(engine.answers[:count, :classes].astype(float))
    slope = (logits.softmax(1) - F.one_hot(labels, classes)) / count
    engine.answers[:count, :classes] = slope.numpy()
    engine.c.backward(count, 1)
    return logits


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("count", [32, 13])
def test_three_steps_are_pytorchs(library, network, count):
    engine = Engine(library, **network)
    library.birth(3)
    net = engine.network().train()
    optimizer = sgd(net)
    images, labels = batch_of(engine, count)
    for _ in range(3):
        logits = learn(engine, images, labels)
        answers = net(images.double())
        assert (logits - answers.detach()).abs().max() < 1e-5
        optimizer.zero_grad()
        F.cross_entropy(answers, labels).backward()
        assert engine.compare(net, gradients=True) < SINGLE
        optimizer.step()
        library.descend(RATE, MOMENTUM, DECAY)
        assert engine.compare(net) < SINGLE
    for number, (_, norm) in enumerate(pairs(net)):
        if norm is not None:
            mean, variance = engine.running(number)
            assert torch.allclose(mean, norm.running_mean, rtol=1e-5, atol=1e-6)
            assert torch.allclose(variance, norm.running_var, rtol=1e-5)
    library.forward(count, 0)
    answers = net.eval()(images.double()).detach()
    logits = torch.tensor(engine.answers[:count, : engine.classes].astype(float))
    assert torch.allclose(logits, answers, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", ["AllCNN", "MLP"])
def test_gradients_are_finite_differences(library, family):
    engine = Engine(library, family, 16)
    library.birth(1)
    images, labels = batch_of(engine, 32)
    learn(engine, images, labels)
    slope, start = engine.gradients.astype(float), engine.parameters.copy()
    length = np.linalg.norm(slope)

    def loss(step):
        engine.parameters[:] = start + step * slope / length
        library.forward(32, 1)
        logits = torch.tensor(engine.answers[:, :10].astype(float))
        return F.cross_entropy(logits, labels).item()

    difference = (loss(1e-4) - loss(-1e-4)) / 2e-4
    assert difference == pytest.approx(length, rel=0.005)


def moved(image, down, right, mirrored):
    """image (C, H, W), whose pixel (i, j) becomes that of (i + down, j + right)."""
    reach = 3
    padded = F.pad(image, (reach,) * 4)
    padded = padded.roll((-down, -right), (1, 2))
    image = padded[:, reach:-reach, reach:-reach]
    return image.flip(2) if mirrored else image


@pytest.mark.parametrize(("family", "width"), [("AllCNN", 4), ("MLP", 20)])
@pytest.mark.parametrize("mirror", [0, 1])
def test_two_epochs_are_pytorchs(library, family, width, mirror):
    """Small networks: with many units, rounding soon switches one on or off."""
    shift = 2
    engine = Engine(library, family, width, size=8, counts=(101, 50))
    library.birth(5)
    engine.show("blur", 4)
    net, seen = engine.network(), engine.seen()
    labels = torch.tensor(engine.labels_shown.astype(int))
    optimizer = sgd(net)
    for epoch in (0, 1):
        library.shuffle(7, epoch)
        library.begin()
        random = Stream(7, "order", epoch)
        order = random.permutation(101)
        losses, hits = [], 0
        net.train()
        for first in (0, 32, 64):
            library.train(first, 32, shift, mirror, RATE, MOMENTUM, DECAY)
            images = []
            for i in order[first : first + 32]:
                down, right = (random.below(2 * shift + 1) - shift for _ in range(2))
                images.append(moved(seen[i], down, right, random.below(2) and mirror))
            truth = labels[order[first : first + 32]]
            answers = net(torch.stack(images).double())
            loss = F.cross_entropy(answers, truth)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            hits += (answers.argmax(1) == truth).sum().item()
        assert library.counted(0) == pytest.approx(32 * sum(losses), rel=1e-5)
        assert library.counted(1) == hits
    assert engine.compare(net) < 1e-4
    pixels, truth = (torch.tensor(part) for part in engine.raw(1))
    train = torch.tensor(engine.raw(0)[0]).double() / 255
    std, mean = torch.std_mean(train, (0, 1, 2))
    pixels = ((pixels.double() / 255 - mean) / std).permute(0, 3, 1, 2)
    loss, accuracy = evaluate(net, pixels, truth.long())
    library.begin()
    for first, count in ((0, 32), (32, 18)):
        library.test(first, count)
    assert library.counted(0) / 50 == pytest.approx(loss, rel=1e-4)
    assert library.counted(1) / 50 == accuracy


@pytest.mark.parametrize("family", ["AllCNN", "MLP"])
def test_the_trace_is_that_of_cplib_given_the_same_signs(library, family, monkeypatch):
    engine, count = Engine(library, family, 8), 24
    library.birth(2)
    engine.show("blur", 4)
    for epoch in range(4):  # so that the statistics are not those of birth
        library.shuffle(0, epoch)
        for first in (0, 32, 64):
            library.train(first, 32, 2, 1, RATE, MOMENTUM, DECAY)
    random = Stream(11, "signs", 3)
    signs = torch.tensor([[random.below(2) for _ in range(10)] for _ in range(count)])
    monkeypatch.setattr(backward, "_uniform", lambda *_: 0.75 - 0.5 * signs)
    truth = fisher.trace(engine.network(), engine.seen()[:count].double(), None)
    found = engine.array(library.information(count, 11, 3), len(engine.layers))
    assert found == pytest.approx(truth.trace, rel=1e-4)


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_weights_are_born_as_pytorchs_are(library, network):
    engine = Engine(library, **network)
    library.birth(1)
    for number, (layer, norm) in enumerate(pairs(engine.network())):
        bound = layer.weight[0].numel() ** -0.5
        w = engine.weight(number)
        assert (
            (0.9 if w.numel() > 50 else 0.5) * bound < w.abs().max() <= bound * 1.000001
        )
        assert abs(w.mean()) < 4 * bound / (3 * w.numel()) ** 0.5
        scale, shift = engine.vectors(number)
        if norm is None:
            assert 0 < shift.abs().max() <= bound
        else:
            assert (scale == 1).all() and (shift == 0).all()
    first, first_layer = engine.parameters.copy(), engine.weight(0)
    unused = np.setdiff1d(np.arange(first.size), used(engine))
    assert not first[unused].any()
    library.birth(2)
    assert (engine.weight(0) != first_layer).all()
    library.birth(1)
    assert (engine.parameters == first).all()


def used(engine):
    """Places of the parameters that are not padding."""
    places = np.arange(engine.parameters.size, dtype=np.float32)
    parts = []
    for number, layer in enumerate(engine.layers):
        parts += [engine.weight(number, places).flatten()]
        parts += [np.arange(start, start + layer.padded_out) for start in
                  (layer.scale, layer.shift)]  # fmt: skip
    return np.concatenate(parts).astype(int)


def test_therapies_change_what_they_should(library):
    engine = Engine(library)
    library.birth(4)
    engine.show("clear")
    library.shuffle(0, 0)
    library.train(0, 32, 0, 0, RATE, MOMENTUM, DECAY)
    before = engine.parameters.copy()
    library.shrink(9, 3, 0.5, 0.0)
    halved = engine.parameters.copy()
    library.shrink(9, 3, 1.0, 0.1)
    noise = engine.parameters - halved
    for number, layer in enumerate(engine.layers):
        w, rest = slice(layer.at, layer.scale), slice(layer.scale, layer.shift)
        assert (halved[w] == before[w] / 2).all()
        assert (halved[rest] == before[rest]).all() and not noise[rest].any()
        bound = 0.1 * engine.weight(number)[0].numel() ** -0.5
        assert 0.9 * bound < np.abs(noise[w]).max() < 1.01 * bound
    # without momentum, a step at rate r and decay 1 with no gradient: w (1 - r)
    engine.gradients[:] = 0
    library.forget()
    kept = engine.parameters.copy()
    library.descend(0.25, MOMENTUM, 1.0)
    assert np.allclose(engine.parameters, 0.75 * kept)


def test_what_cannot_be_made_is_refused(library):
    assert not library.init(0, 8, 3, 10, 18, 96, 50, 32)  # 18 is no multiple of 4
    assert not library.init(0, 8, 4, 10, 16, 96, 50, 32)
    assert not library.init(0, 8, 3, 10, 16, 10**6, 50, 32)  # memory


def test_every_layer_is_one_of_pytorchs(library):
    """The engine has as many layers as the network of cplib.models, of their shapes."""
    for network in NETWORKS.values():
        engine = Engine(library, **network)
        library.birth(0)
        found = [w for w, _ in pairs(engine.network())]
        assert len(found) == len(engine.layers)
        assert all(isinstance(w, (nn.Conv2d, nn.Linear)) for w in found)
