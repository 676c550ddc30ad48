import dataclasses

import numpy as np
import pytest
import torch

from cplib import data, deficits, studies
from cplib._base import device
from cplib._base.device import stream
from cplib.data import Augmented
from cplib.errors import InputError
from cplib.training import Schedule, loop, notes_of, restore, tables_of
from cplib.training.state import METRICS, untrained

SETUP = studies.get("1TL", "smoke").setup


@pytest.fixture(scope="module")
def dataset():
    return data.load(SETUP.data)


def in_double(setup, seed, dataset):
    """The untrained network, its weights in double precision."""
    state = untrained(setup, seed, dataset)
    state.net.double()
    return state


def test_an_epoch_is_plain_sgd_written_out_by_hand(dataset):
    """Loss, momentum, weight decay and learning rate, against the textbook update.

    In double precision: in single, a ReLU's input at zero falls to either side.
    """
    images = dataset.train_images.double(), dataset.test_images.double()
    names = "train_images", "test_images"
    dataset = dataclasses.replace(dataset, **dict(zip(names, images, strict=True)))
    schedule = dataclasses.replace(SETUP.schedule, lr=0.1, decay=0.9, batch=64)
    setup = dataclasses.replace(SETUP, schedule=schedule)
    with device.deterministic("cpu"):
        state, twin = (in_double(setup, 3, dataset) for _ in range(2))
        by_hand = twin.net.train()
        loop.advance(state, setup, 3, dataset, [(deficits.Noise(), 2)])
        noise = deficits.Noise().images(dataset.train_images, 3)  # not augmented
        momenta = [torch.zeros_like(p) for p in by_hand.parameters()]
        for epoch in range(2):
            order = torch.randperm(len(noise), generator=stream(3, "epoch", epoch))
            for chosen in order[: len(order) // 64 * 64].view(-1, 64):
                logits = by_hand(
                    noise[chosen].contiguous(memory_format=torch.channels_last)
                )
                logp = logits.log_softmax(1)
                loss = -logp[torch.arange(64), dataset.train_labels[chosen]].mean()
                gradients = torch.autograd.grad(loss, list(by_hand.parameters()))
                with torch.no_grad():
                    for p, m, g in zip(
                        by_hand.parameters(), momenta, gradients, strict=True
                    ):
                        m.mul_(0.9).add_(g + 0.001 * p)
                        p.sub_(0.1 * 0.9**epoch * m)
    for got, wanted in zip(state.net.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(got, wanted, rtol=1e-12, atol=1e-12)


def test_noise_stays_where_it_is_and_moving_noise_does_not(dataset, monkeypatch):
    """How far the images of two epochs of a deficit are moved."""
    moved, whole = [], loop.Augmented
    monkeypatch.setattr(
        loop, "Augmented", lambda x, *moves: moved.append(moves) or whole(x, *moves)
    )  # fmt: skip
    for kind in ("noise", "moving-noise", "blur"):
        state = loop.start(SETUP, 3, dataset)
        loop.advance(state, SETUP, 3, dataset, [(deficits.deficit(kind), 2)])
    s = SETUP.schedule
    assert moved == [(0, False), (s.shift, s.mirror), (s.shift, s.mirror)]
    assert s.shift > 0 and s.mirror


def test_nothing_is_learned_while_the_network_grows_older(dataset):
    """The weights stay, and the first step is as small as its epoch's learning rate."""
    state = loop.start(SETUP, 3, dataset)
    born = [weights.detach().clone() for weights in state.net.parameters()]
    loop.advance(state, SETUP, 3, dataset, [(deficits.Nothing(), 3)])
    assert state.epoch == 3 and np.isfinite(state.log[1:]).all()
    for now, then in zip(state.net.parameters(), born, strict=True):
        assert torch.equal(now, then)
    rates, learn = [], loop.learn
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "learn", lambda *a: rates.append(a[2]) or learn(*a))
        loop.advance(state, SETUP, 3, dataset, [(None, 4)])
    assert rates == [SETUP.schedule.rate_at(3)]
    pairs = zip(state.net.parameters(), born, strict=True)
    assert not any(torch.equal(now, then) for now, then in pairs)


def test_augmentation_translates_and_mirrors_over_the_mean_colour():
    x = torch.arange(1.0, 1 + 2 * 36).view(2, 1, 6, 6).repeat(50, 1, 1, 1)
    order = torch.randperm(100, generator=stream(1, "test"))
    source = Augmented(x, 2, True)
    out = torch.empty_like(x)
    for part in order.split(30):
        out[part] = source.take(part, stream(int(part[0]), "test"))
    padded = np.pad(x.numpy(), ((0, 0), (0, 0), (2, 2), (2, 2)))
    seen = set()
    for image, wide in zip(out.numpy(), padded, strict=True):
        matches = [
            (i, j, m)
            for i in range(5)
            for j in range(5)
            for m in (1, -1)
            if (image == wide[:, i : i + 6, j : j + 6][..., ::m]).all()
        ]
        assert len(matches) == 1
        seen.add(matches[0])
    assert len(seen) > 25  # of 50 possible
    still = Augmented(x, 0, False).take(order, stream(0, "test"))
    assert torch.equal(still, x[order])
    assert still.is_contiguous(memory_format=torch.channels_last)


def test_evaluation_is_the_mean_over_all_images(dataset, monkeypatch):
    net = loop.start(SETUP, 0, dataset).net
    x, y = dataset.test_images, dataset.test_labels
    monkeypatch.setattr(loop, "SUMMED", 100)  # does not divide 256
    monkeypatch.setattr(loop, "AT_ONCE", 30)
    loss, accuracy = loop.evaluate(net, x, y)
    with torch.no_grad():
        logits = net.eval()(x)
    p = torch.softmax(logits, 1)[torch.arange(len(y)), y]
    assert loss == pytest.approx(-p.log().mean().item(), rel=1e-4)
    assert accuracy == pytest.approx((logits.argmax(1) == y).float().mean().item())


def test_the_test_set_is_never_touched_by_a_deficit(dataset):
    before = dataset.test_images.clone(), dataset.train_images.clone()
    state = loop.start(SETUP, 0, dataset)
    for kind in deficits.KINDS:
        phases = [(deficits.deficit(kind), state.epoch + 1)]
        loop.advance(state, SETUP, 0, dataset, phases)
    assert torch.equal(before[0], dataset.test_images)
    assert torch.equal(before[1], dataset.train_images)


def test_saving_and_restoring_loses_nothing(dataset):
    with device.deterministic("cpu"):
        state = loop.start(SETUP, 0, dataset)
        loop.advance(state, SETUP, 0, dataset, [(deficits.Blur(), 2)])
        payload = state.to_bytes(note="kept")
        again = restore(payload, SETUP, 0, dataset)
        assert again.epoch == 2
        assert notes_of(payload)["note"] == "kept"
        np.testing.assert_array_equal(tables_of(payload)[0], state.log)
        for one in (state, again):
            loop.advance(one, SETUP, 0, dataset, [(None, 4)])
    for a, b in zip(state.net.state_dict().values(), again.net.state_dict().values(),
                    strict=True):  # fmt: skip
        assert torch.equal(a, b)
    np.testing.assert_array_equal(state.log, again.log)


def test_learning_happens(dataset):
    setup = dataclasses.replace(
        SETUP, model=dataclasses.replace(SETUP.model, width=8),
        schedule=dataclasses.replace(SETUP.schedule, batch=32),
    )  # fmt: skip
    state = loop.start(setup, 0, dataset)
    loop.advance(state, setup, 0, dataset, [(None, 12)])
    loss = state.log[:, 1 + METRICS.index("train_loss")]
    assert loss[-1] < 0.95 * loss[1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"lr": 0}, ["lr=0", "positive"]),
        ({"lr": float("nan")}, ["lr=nan"]),
        ({"batch": 0}, ["batch=0"]),
        ({"momentum": -1}, ["momentum=-1", "0 or more"]),
        ({"shift": -2}, ["shift=-2"]),
    ],
)
def test_bad_schedules_are_named(options, words):
    with pytest.raises(InputError) as error:
        Schedule(**options)
    assert all(word in str(error.value) for word in words)
