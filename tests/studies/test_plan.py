"""The tree, against a brute-force walk through every epoch of every run."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cplib import studies
from cplib.deficits import Blur, LabelPermutation, Noise, VerticalFlip
from cplib.errors import InputError
from cplib.fisher import Probe
from cplib.models import ModelSpec
from cplib.studies import Run
from cplib.studies.plan import make_plan
from cplib.training import Setup

SETUP = studies.get("1TL", "smoke").setup
DEFICITS = (Blur(), Blur(2), VerticalFlip(), LabelPermutation(), Noise())


@st.composite
def runs(draw):
    """Up to three windows, of any length (0 too), one after the other."""
    windows, end = [], 0
    for deficit in draw(st.lists(st.sampled_from(DEFICITS), max_size=3)):
        onset = end + draw(st.integers(0, 12))
        end = onset + draw(st.integers(0, 12))
        windows.append((deficit, onset, end))
    return Run(windows, end + draw(st.integers(0, 12)))


def stimulus(run, epoch):
    """What the network is shown in `epoch`: the definition, epoch by epoch."""
    for deficit, onset, removal in run.windows:
        if onset <= epoch < removal:
            return deficit
    return None


def lived(run, epochs):
    return tuple(stimulus(run, e) for e in range(epochs))


@given(
    st.lists(runs(), min_size=1, max_size=8),
    st.lists(st.integers(0, 3), min_size=1, max_size=3),
    st.integers(1, 30),
)
@settings(max_examples=150, deadline=None)
def test_the_tree_is_the_runs_with_shared_prefixes_once(some, seeds, every):
    plan = make_plan(SETUP, some, seeds, checkpoint_every=every)
    assert set(plan.ends) == {(seed, run) for seed in seeds for run in some}
    for (seed, run), key in plan.ends.items():
        told, begin, parent = [], 0, None
        for segment in plan.lineage(key):
            assert (segment.seed, segment.begin, segment.parent) == (
                seed, begin, parent,
            )  # fmt: skip
            assert segment.epochs <= every
            shown, at = [], 0
            for deficit, end in segment.run.phases(segment.epoch):
                shown += [deficit] * (end - at)
                at = end
            told += shown[segment.begin :]
            begin, parent = segment.epoch, segment.key
        assert tuple(told) == lived(run, run.epochs)
    states = {
        (seed, lived(run, e))
        for seed in seeds
        for run in some
        for e in range(1, run.epochs + 1)
    }
    assert plan.epochs == len(states)
    assert plan.epochs <= plan.epochs_from_scratch
    order = list(plan.segments)
    for key, segment in plan.segments.items():
        assert segment.parent is None or order.index(segment.parent) < order.index(key)


@given(runs(), runs(), st.integers(0, 36), st.integers(0, 36))
@settings(max_examples=300, deadline=None)
def test_histories_are_equal_exactly_when_lives_are(one, other, a, b):
    a, b = min(a, one.epochs), min(b, other.epochs)
    same_history = a == b and one.history(a) == other.history(b)
    assert same_history == (lived(one, a) == lived(other, b))


@st.composite
def setups(draw):
    """Setups that differ in what a checkpoint depends on, or in nothing."""
    schedule = dataclasses.replace(
        SETUP.schedule,
        lr=draw(st.sampled_from([0.05, 0.01])),
        mirror=draw(st.booleans()),
    )
    data = dataclasses.replace(SETUP.data, train=draw(st.sampled_from([384, 256])))
    model = ModelSpec(draw(st.sampled_from(["AllCNN", "ResNet18"])), 4)
    probe = draw(st.sampled_from([None, Probe(32, 1), Probe(32, 2)]))
    return Setup(data, model, schedule, probe)


@given(
    st.lists(st.tuples(setups(), st.integers(0, 1), runs()), min_size=2, max_size=5),
    st.integers(1, 30),
)
@settings(max_examples=150, deadline=None)
def test_studies_on_one_cache_share_what_is_equal_and_nothing_else(wanted, every):
    """Each plan is made alone, as by another study: files are shared by their keys."""
    states = {}
    for setup, seed, run in wanted:
        tree = make_plan(setup, [run], [seed], checkpoint_every=every)
        for segment in tree.segments.values():
            state = repr(setup), seed, lived(run, segment.epoch)
            assert states.setdefault(segment.key, state) == state
    assert len(set(states.values())) == len(states)


def test_keys_differ_whenever_anything_that_matters_does():
    run = Run([(Blur(), 0, 2)], 4)
    schedule = dataclasses.replace(SETUP.schedule, lr=0.01)
    data = dataclasses.replace(SETUP.data, options=(("fine", 0.5),))
    variants = [
        make_plan(SETUP, [run], [0]),
        make_plan(SETUP, [run], [1]),
        make_plan(SETUP, [Run([(Blur(2), 0, 2)], 4)], [0]),
        make_plan(dataclasses.replace(SETUP, schedule=schedule), [run], [0]),
        make_plan(dataclasses.replace(SETUP, data=data), [run], [0]),
    ]
    assert len({key for plan in variants for key in plan.ends.values()}) == 5


def test_savings_that_the_book_quotes():
    laptop = {
        name: make_plan(s.setup, s.runs, [0])
        for name in ("1TL", "timing")
        if (s := studies.get(name, "laptop"))
    }
    ratios = {n: p.epochs_from_scratch / p.epochs for n, p in laptop.items()}
    assert ratios["1TL"] == pytest.approx(1_980 / 1_560)
    assert ratios["timing"] > 1.4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((Blur(), 5, 3, 10), ["removal=3", "onset=5", "onset <= removal"]),
        ((Blur(), -1, 3, 10), ["onset=-1", "0 or more"]),
        ((Blur(), 0, 12, 10), ["removal=12", "epochs=10"]),
        ((Blur(), 0, 2.5, 10), ["removal=2.5", "whole"]),
        ((Blur(), True, 2, 10), ["onset=True"]),
    ],
)
def test_impossible_windows_are_named(arguments, words):
    *window, epochs = arguments
    with pytest.raises(InputError) as error:
        Run([window], epochs)
    assert all(word in str(error.value) for word in words)


@pytest.mark.parametrize(
    ("name", "scale", "words"),
    [
        ("1TX", "laptop", ["1TX", "1TL"]),
        ("1TL", "lptop", ["lptop", "laptop"]),
        ("../1TL", "laptop", ["../1TL"]),
        ("1TL", None, ["None", "laptop"]),
    ],
)
def test_unknown_studies_are_named(name, scale, words):
    with pytest.raises(InputError) as error:
        studies.get(name, scale)
    assert all(word in str(error.value) for word in words)


def test_every_study_starts_with_a_clean_run_as_long_as_the_longest():
    for name in studies.names():
        for scale in studies.SCALES:
            study = studies.get(name, scale)
            assert study.runs[0].clean
            assert study.runs[0].epochs == max(run.epochs for run in study.runs)
            assert len(set(study.runs)) == len(study.runs)
            for run in study.runs[1:]:
                assert run.epochs == run.removal + study.clean_epochs
