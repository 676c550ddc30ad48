"""Costs, against operations counted by hand."""

import pytest

from cplib import studies
from cplib.errors import InputError
from cplib.studies import costs, plan


def by_hand(size, layers):
    """FLOP of convolutions (inputs, outputs, kernel, stride), each padded."""
    total = 0
    for inputs, outputs, kernel, stride in layers:
        size = -(-size // stride)
        total += 2 * size * size * inputs * outputs * kernel * kernel
    return total


def test_forward_flops_of_the_all_cnn():
    setup = studies.get("1TL", "paper").setup
    layers = [
        (3, 96, 3, 1), (96, 96, 3, 1), (96, 192, 3, 2), (192, 192, 3, 1),
        (192, 192, 3, 1), (192, 192, 3, 2), (192, 192, 3, 1), (192, 192, 1, 1),
        (192, 10, 1, 1),
    ]  # fmt: skip
    assert costs.forward_flops(setup) == by_hand(32, layers)


def test_forward_flops_of_the_fully_connected_network():
    setup = studies.get("3TR", "paper").setup
    sizes = [1024, 2500, 2000, 1500, 1000, 500, 10]
    wanted = 2 * sum(a * b for a, b in zip(sizes, sizes[1:], strict=False))
    assert costs.forward_flops(setup) == wanted


def test_the_table_counts_epochs_as_the_plan_does():
    table = costs.table("laptop", ["2L", "5"], seeds=2, teraflops=0.04)
    for row in table.itertuples():
        study = studies.get(row.study, "laptop")
        assert row.epochs == plan.make_plan(study.setup, study.runs, [0, 1]).epochs
    images = 3 * 5_000 + 2_000
    wanted = table.epochs[0] * images * costs.forward_flops(study.setup) / 0.04e12
    assert table["hours at 0.04 TFLOP/s"][0] == pytest.approx(wanted / 3600, abs=0.006)


def test_an_impossible_speed_is_refused():
    with pytest.raises(InputError, match="teraflops=0"):
        costs.table("laptop", ["2L"], teraflops=0)
