"""Which epochs are evaluated on all images, and the closer look where runs end."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from cplib import data, fisher, studies
from cplib._base.device import stream
from cplib.deficits import Blur
from cplib.fisher.estimate import hooked
from cplib.training import Readout, advance, loop, start
from cplib.training.state import ENDINGS, restore

BASE = studies.get("3TL", "smoke").setup
SETUP = BASE.vary(readout=Readout(64, first=4, every=2, last=2))


def trained(setup, epochs):
    dataset = data.load(setup.data)
    state = start(setup, 0, dataset)
    return advance(state, setup, 0, dataset, [(Blur(), 1), (None, epochs)]), dataset


def test_the_last_epochs_before_each_end_are_whole():
    readout = Readout(10, first=160, every=20, last=5)
    whole = {e for e in range(341) if readout.whole(e)}
    ends = range(160, 360, 20)
    assert whole == {e for end in ends for e in range(end - 4, end + 1)} & set(
        range(341)
    )
    assert {e for e in range(341) if readout.ends(e)} == {e for e in ends if e < 341}


def test_a_readout_changes_what_is_measured_and_not_the_training():
    (with_, dataset), (without, _) = trained(SETUP, 6), trained(BASE, 6)
    for one, other in zip(
        with_.net.parameters(), without.net.parameters(), strict=True
    ):
        assert torch.equal(one, other)
    np.testing.assert_array_equal(with_.log[:, :3], without.log[:, :3])
    whole = [3, 4, 5, 6]
    np.testing.assert_array_equal(with_.log[whole], without.log[whole])
    few = dataset.test_images[:64], dataset.test_labels[:64]
    assert with_.log[6, 4] == loop.evaluate(with_.net, *(dataset.test_images,
                                            dataset.test_labels))[1]  # fmt: skip
    early, _ = trained(SETUP, 2)
    assert early.log[2, 4] == loop.evaluate(early.net, *few)[1]


def test_the_closer_look_is_taken_at_ends_and_kept():
    state, dataset = trained(SETUP, 6)
    assert [tuple(row[:2]) for row in state.endings] == [
        (epoch, number) for epoch in (4, 6) for number in range(len(ENDINGS))
    ]
    again = restore(state.to_bytes(), SETUP, 0, dataset)
    np.testing.assert_array_equal(again.endings, state.endings)
    found = {ENDINGS[int(n)]: values for e, n, *values in state.endings if e == 6}
    test = dataset.test_images[: SETUP.probe.images]
    direct = fisher.trace(state.net, test, stream(0, "trace_test", 6)).trace
    np.testing.assert_array_equal(found["trace_test"], direct)
    lengths = [
        np.square(layer.weight.detach().numpy().astype(float)).sum()
        for layer in fisher.layers(state.net).values()
    ]
    np.testing.assert_allclose(found["norm2"], lengths, rtol=1e-12)


@pytest.mark.parametrize("size", [0.01, 1, 100])
def test_the_temperature_gives_the_entropy_that_was_asked(size):
    random = torch.Generator().manual_seed(0)
    logits = size * torch.randn(50, 10, 1, 1, generator=random)
    found = loop.temperature(torch.nn.Flatten(), logits)
    p = (logits.double().flatten(1) / found).softmax(1)
    assert -(p * p.log()).sum(1).mean() == pytest.approx(loop.ENTROPY, abs=1e-6)


def test_a_tempered_net_has_the_trace_of_the_net_with_scaled_logits():
    """Dividing the logits by T is dividing the last layer's weights and bias by T."""
    state, dataset = trained(SETUP, 2)
    images = dataset.test_images[:32]
    with hooked([state.net], lambda net, args, logits: logits / 4):
        tempered = fisher.trace(state.net, images, stream(0, "x"))
    scaled = replace(state).net
    head = list(fisher.layers(scaled).values())[-1]
    with torch.no_grad():
        head.weight /= 4
        if head.bias is not None:
            head.bias /= 4
    direct = fisher.trace(scaled, images, stream(0, "x"))
    np.testing.assert_allclose(tempered.trace[:-1], direct.trace[:-1], rtol=1e-4)
    # the last layer's own gradient is 1 / T of that for the scaled weights
    np.testing.assert_allclose(tempered.trace[-1], direct.trace[-1] / 16, rtol=1e-4)
