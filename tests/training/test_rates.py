"""Courses of the learning rate, shrunk weights, and that a fork follows them."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from cplib import data, studies, training
from cplib.deficits import Blur
from cplib.errors import InputError
from cplib.studies import Run, windows
from cplib.studies.plan import make_plan
from cplib.training import Cosine, Cyclic, Rate, Restart, Schedule

SETUP = studies.get("1TL", "smoke").setup


@pytest.mark.parametrize(
    ("rate", "epoch", "removal", "wanted"),
    [
        (None, 7, 3, 0.1 * 0.9**7),
        (Restart(), 7, None, 0.1 * 0.9**7),
        (Restart(), 7, 3, 0.1 * 0.9**4),
        (Restart(), 3, 3, 0.1),
        (Cyclic(5), 4, None, 0.1 * 0.9**4),
        (Cyclic(5), 12, 3, 0.1 * 0.9**2),
        (Cosine(20), 0, None, 0.1),
        (Cosine(20), 5, None, 0.1 * math.cos(math.pi / 8) ** 2),
        (Cosine(20), 20, None, 0.0),
        (Cosine(20), 30, 3, 0.0),
    ],
)
def test_rates_in_closed_form(rate, epoch, removal, wanted):
    schedule = Schedule(lr=0.1, decay=0.9, rate=rate)
    assert schedule.rate_at(epoch, removal) == pytest.approx(wanted, abs=1e-15)


def test_a_restart_begins_when_the_last_deficit_has_ended(monkeypatch):
    seen, learn = [], training.loop.learn

    def noted(state, batch, rate, *rest):
        seen.append(rate)
        return learn(state, batch, rate, *rest)

    monkeypatch.setattr(training.loop, "learn", noted)
    setup = SETUP.vary(rate=Restart(), lr=0.1, decay=0.5)
    training.train(setup, 0, [(Blur(), 1), (None, 3), (Blur(), 4), (None, 6)])
    assert seen == [0.1, 0.1, 0.05, 0.025, 0.1, 0.05]


def weights(phases, **change):
    """Weights of a layer after `phases`; the learning rate moves none of them."""
    net = training.train(SETUP.vary(lr=1e-30, **change), 0, phases).net
    return net.blocks[3][0].weight.detach().flatten()


def test_weights_shrink_whenever_a_deficit_ends():
    phases = [(Blur(), 1), (None, 2), (Blur(), 3), (None, 4)]
    born = weights([])
    torch.testing.assert_close(weights(phases, shrink=(0.5, 0)), born / 4)
    torch.testing.assert_close(weights(phases[:1], shrink=(0.5, 0)), born)
    fresh = weights(phases[:2], shrink=(0, 2))
    limit = 2 / 72**0.5  # twice PyTorch's bound for 8 channels of 3 x 3 weights
    assert 0.95 * limit < fresh.abs().max() < limit
    assert abs(torch.corrcoef(torch.stack([fresh, born]))[0, 1]) < 0.2


@pytest.mark.parametrize("end", [1, 2])
@pytest.mark.parametrize("change", [{"rate": Restart()}, {"shrink": (0.4, 0.1)}])
def test_a_fork_from_the_removal_on_equals_the_run_from_scratch(change, end):
    """The checkpoint does not say when the deficit ended: the phases do."""
    setup = SETUP.vary(**change)
    phases = [(Blur(), 1), (None, 4)]
    whole = training.train(setup, 0, phases)
    half = training.train(setup, 0, [(Blur(), 1), (None, 2)][:end])
    dataset = data.load(setup.data)
    again = training.restore(half.to_bytes(), setup, 0, dataset)
    training.advance(again, setup, 0, dataset, phases)
    np.testing.assert_array_equal(again.log, whole.log)
    for one, other in zip(again.net.parameters(), whole.net.parameters(), strict=True):
        assert torch.equal(one, other)


def test_segments_are_told_all_phases_from_birth():
    run = Run([(Blur(), 1, 3)], 6)
    tree = make_plan(SETUP, [run], [0], checkpoint_every=2)
    told = [
        segment.run.phases(segment.epoch) for segment in tree.lineage(tree.ends[0, run])
    ]
    assert told == [
        [(None, 1), (Blur(), 2)],
        [(None, 1), (Blur(), 3), (None, 4)],
        [(None, 1), (Blur(), 3), (None, 6)],
    ]


@dataclass(frozen=True)
class Warm(Rate):
    """A course of a reader's own."""

    epochs: int = 2

    def at(self, schedule, epoch, removal):
        return schedule.lr * min(1, (epoch + 1) / self.epochs)


def test_a_course_of_ones_own_has_a_name_in_the_hash():
    plain, warm, longer = (
        windows("x", "smoke", "x", SETUP.vary(rate=rate), [(Blur(), 0, 1)], 1)
        for rate in (None, Warm(), Warm(3))
    )
    assert len({plain.hash, warm.hash, longer.hash}) == 3
    assert warm.setup.schedule.spec()["rate"] == {"kind": "Warm", "epochs": 2}
    assert "rate" not in plain.setup.schedule.spec()
    assert warm.setup.schedule.rate_at(0) == SETUP.schedule.lr / 2


@pytest.mark.parametrize(
    "made",
    [
        lambda: Cyclic(0),
        lambda: Cosine(1.5),
        lambda: Schedule(shrink=0.4),
        lambda: Schedule(shrink=(0.4, -0.1)),
    ],
)
def test_impossible_courses_are_refused(made):
    with pytest.raises(InputError, match="period|epochs|shrink"):
        made()
