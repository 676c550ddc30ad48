"""Studies that readers make: sweeps, windows in turn, variations, scales."""

from dataclasses import dataclass, replace

import pytest

from cplib import studies
from cplib.deficits import Blur, Deficit, Noise
from cplib.errors import InputError
from cplib.studies import Run, sweep, windows

BASE = studies.get("1TL", "smoke")


@dataclass(frozen=True)
class GreyScale(Deficit):
    """A reader's deficit, which says nothing but what it does."""

    amount: float = 1.0


def test_a_deficit_describes_itself():
    plain, half = GreyScale(), GreyScale(0.5)
    assert (plain.kind, plain.label) == ("grey-scale", "grey scale")
    assert (plain.name, half.name) == ("grey-scale", "grey-scale(amount=0.5)")
    assert half.title == "grey scale, amount 0.5"
    assert "grey scale" in plain.sees and len(plain.look) == 3
    assert Blur().name == "blur" and Blur(2).title == "blur, factor 2"


def test_a_sweep_is_in_the_setting_of_its_base():
    study = sweep("mine", GreyScale(), (1, 2), base=BASE)
    assert study.setup == BASE.setup and study.scale == "smoke"
    assert [run.title for run in study.runs] == [
        "no deficit", "grey scale 0–1", "grey scale 0–2",
    ]  # fmt: skip
    assert study.runs[0].epochs == 2 + BASE.clean_epochs
    sliding = sweep("slide", Blur(), base=BASE, onsets=(0, 1, 2), length=2)
    assert [(r.onset, r.removal) for r in sliding.runs[1:]] == [(0, 2), (1, 3), (2, 4)]
    with pytest.raises(InputError, match="removals.*length"):
        sweep("x", Blur(), base=BASE)


def test_windows_in_turn():
    turn = [(Blur(), 0, 1), (Noise(), 2, 3)]
    study = windows("turn", "smoke", "Turn", BASE.setup, [turn, (Blur(), 0, 1)], 2)
    run = study.runs[1]
    assert (run.name, run.label) == ("blur+noise", "blur, then noise")
    assert run.title == "blur 0–1, noise 2–3"
    assert (run.onset, run.removal, run.epochs) == (0, 3, 5)
    assert [run.sees(e) for e in range(5)] == [Blur(), None, Noise(), None, None]
    assert run.phases() == [(Blur(), 1), (None, 2), (Noise(), 3), (None, 5)]
    assert study.find("blur+noise").spec()["windows"][1]["onset"] == 2
    assert study.find("blur", removal=1) == study.runs[2]


def test_what_is_one_window_is_written_as_one():
    """Two windows of one deficit that touch; and a window that nobody sees."""
    one = Run([(Blur(), 0, 3)], 4)
    assert Run([(Blur(), 0, 1), (Blur(), 1, 3)], 4) == one
    assert Run([(Blur(), 0, 1), (Noise(), 1, 1), (Blur(), 1, 3)], 4) == one
    assert Run([(Blur(), 0, 1), (Blur(2), 1, 3)], 4).name == "blur+blur(factor=2)"


@pytest.mark.parametrize(
    ("spans", "words"),
    [
        ([(Blur(), 0, 2), (Noise(), 1, 3)], ["blur 0–2", "noise 1–3", "overlap"]),
        ([(Noise(), 2, 3), (Blur(), 0, 1)], ["overlap", "in order"]),
        ([("blur", 0, 1)], ["'blur'", "Blur()"]),
        ([Blur()], ["not a window", "(Blur(), 0, 10)"]),
    ],
)
def test_impossible_windows_are_named(spans, words):
    with pytest.raises(InputError) as error:
        Run(spans, 9)
    assert all(word in str(error.value) for word in words)


def test_a_study_is_varied_in_one_call():
    varied = BASE.vary(batch=64, width=6, train=128)
    assert varied.name == "1TL-batch64-width6-train128"
    setup = varied.setup
    assert (setup.schedule.batch, setup.model.width, setup.data.train) == (64, 6, 128)
    assert varied.runs == BASE.runs
    assert BASE.vary(name="mine", lr=0.1).name == "mine"
    with pytest.raises(InputError, match="'batches'.*batch"):
        BASE.vary(batches=64)


def test_a_run_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(InputError, match="noise from epoch 0 to 7; it has blur 0–1"):
        BASE.find("noise", removal=7)


def test_a_scale_of_ones_own_makes_every_study():
    mine = replace(studies.SCALES["smoke"], name="mine", removals=(1, 3), clean=3)
    study = studies.get("1TL", mine)
    assert (study.scale, study.clean_epochs) == ("mine", 3)
    assert [run.removal for run in study.runs] == [0, 1, 3]
    for name in studies.names():
        assert studies.get(name, mine).scale == "mine"
