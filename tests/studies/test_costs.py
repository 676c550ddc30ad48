"""Costs, against numbers counted by hand."""

import pytest

from cplib import studies
from cplib.errors import InputError
from cplib.studies import costs, plan


def by_hand(size, layers):
    """FLOP of convolutions (inputs, outputs, kernel, stride), each padded.

    And what they, batch normalisation and ReLU put out, and all weights.
    """
    flops = kept = weights = 0
    for inputs, outputs, kernel, stride in layers:
        size = -(-size // stride)
        flops += 2 * size * size * inputs * outputs * kernel * kernel
        kept += 3 * outputs * size * size
        weights += inputs * outputs * kernel * kernel + 2 * outputs
    return flops, kept, weights


def test_a_forward_pass_of_the_all_cnn():
    setup = studies.get("1TL", "paper").setup
    layers = [
        (3, 96, 3, 1), (96, 96, 3, 1), (96, 192, 3, 2), (192, 192, 3, 1),
        (192, 192, 3, 1), (192, 192, 3, 2), (192, 192, 3, 1), (192, 192, 1, 1),
        (192, 10, 1, 1),
    ]  # fmt: skip
    flops, kept, weights = costs.forward(setup)
    wanted = by_hand(32, layers)
    assert (flops, weights) == (wanted[0], wanted[2])
    assert kept == pytest.approx(wanted[1], rel=0.01)  # and the average of ten channels


def test_a_forward_pass_of_the_fully_connected_network():
    setup = studies.get("3TR", "paper").setup
    sizes = [1024, 2500, 2000, 1500, 1000, 500, 10]
    wanted = 2 * sum(a * b for a, b in zip(sizes, sizes[1:], strict=False))
    assert costs.forward(setup)[0] == wanted


def test_test_images_are_counted_as_they_are_read_out():
    setup = studies.get("1TL", "second").setup
    # 320 epochs: five before each of the 160th, 180th ... 320th read all 10,000
    assert costs.tested(setup, 320) == (45 * 10_000 + 275 * 1_000) / 320
    assert costs.tested(studies.get("1TL", "paper").setup, 320) == 10_000


def test_the_table_counts_epochs_as_the_plan_does():
    table = costs.table("paper", ["2L", "5"], seeds=2, share=0.25)
    for row in table.itertuples():
        study = studies.get(row.study, "paper")
        assert row.epochs == plan.make_plan(study.setup, study.runs, [0, 1]).epochs
    flops, kept, weights = costs.forward(study.setup)
    hours = table.epochs[0] * 160_000 * flops / (0.25 * 312e12) / 3600
    assert table["hours, A100"][0] == pytest.approx(hours, abs=0.006)
    held = 12 * weights + 2 * 128 * kept + 60_000 * 3 * 32 * 32
    assert table["GB"][0] == pytest.approx(held / 1e9, abs=0.006)


def test_an_impossible_share_is_refused():
    with pytest.raises(InputError, match="share=0"):
        costs.table("laptop", ["2L"], share=0)
