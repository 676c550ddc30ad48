"""The studies against the paper's numbers and against each other."""

import pytest

from cplib import models, studies

PAPER = {  # learning rate, its decay, weight decay, first and last t0
    "1TL": (0.05, 0.97, 0.001, (20, 180)),
    "2L": (0.05, 0.97, 0.001, (20, 180)),
    "2R": (0.05, 0.97, 0.001, (20, 180)),
    "2B": (0.05, 0.97, 0.001, (20, 180)),
    "3TL": (0.1, 0.97, 0.0005, (20, 180)),
    "3TR": (0.005, 1.0, 0.0, (50, 400)),
    "3BL": (0.001, 1.0, 0.001, (40, 280)),
    "3BR1": (0.001, 1.0, 0.001, None),
    "3BR2": (0.001, 1.0, 0.001, None),
    "3BR3": (0.001, 1.0, 0.001, None),
    "5": (0.05, 0.97, 0.001, (40, 100)),
}


@pytest.mark.parametrize("name", PAPER)
def test_the_paper_scale_is_the_papers(name):
    study = studies.get(name, "paper")
    rate, decay, weight_decay, ends = PAPER[name]
    schedule, data = study.setup.schedule, study.setup.data
    assert (schedule.lr, schedule.decay) == (rate, decay)
    assert (schedule.weight_decay, schedule.momentum) == (weight_decay, 0.9)
    assert (schedule.batch, schedule.shift, data.size) == (128, 4, 32)
    assert study.clean_epochs == 160
    assert all(run.onset == 0 for run in study.runs)
    if ends:
        assert (study.runs[1].removal, study.runs[-1].removal) == ends
    digits = name == "3TR"
    assert schedule.mirror == (not digits)
    sizes = ("mnist", 60_000, 10_000) if digits else ("cifar10", 50_000, 10_000)
    assert (data.name, data.train, data.test) == sizes


@pytest.mark.parametrize(("name", "lengths"), [("1BL", {40}), ("4L", {40, 60})])
def test_the_papers_windows(name, lengths):
    """40 epochs in Figure 1, 40 and 60 in Figure 4, each from birth onwards."""
    runs = studies.get(name, "paper").runs[1:]
    assert {run.removal - run.onset for run in runs} == lengths
    for length in lengths:
        onsets = [run.onset for run in runs if run.removal - run.onset == length]
        assert onsets[0] == 0
        assert onsets == sorted(set(onsets))


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        ("1TL", [96, 96, 192, 192, 192, 192, 192, 192, 10]),
        ("3BR1", [96, 96, 192, 192, 192, 10]),
        ("3BR2", [96, 96, 192, 192, 384, 384, 384, 10]),
        ("3BR3", [96, 96, 192, 192, 384, 384, 768, 768, 768, 10]),
        ("3TR", [2500, 2000, 1500, 1000, 500, 10]),
    ],
)
def test_the_papers_networks(name, channels):
    setup = studies.get(name, "paper").setup
    gray = 1 if setup.data.name == "mnist" else 3
    net = models.build(setup.model, channels=gray, size=setup.data.size, seed=0)
    weights = [p for p in net.parameters() if p.ndim > 1]
    assert [len(w) for w in weights] == channels


def changed(name, of, scale):
    """Paths of the settings in which the study `name` differs from `of`."""
    one, other = (flat(studies.get(n, scale).setup.spec()) for n in (name, of))
    return {key for key in one | other if one.get(key) != other.get(key)}


def flat(spec, path=""):
    if not isinstance(spec, dict):
        return {path: spec}
    return {
        k: v for name in spec for k, v in flat(spec[name], f"{path}.{name}").items()
    }


@pytest.mark.parametrize("scale", studies.SCALES)
@pytest.mark.parametrize(
    ("name", "of", "settings"),
    [
        ("2B-moving", "2B", set()),
        ("nothing", "2B", set()),
        ("3BL", "1TL", {".schedule.lr", ".schedule.decay"}),
        ("faster", "3TL", {".schedule.decay"}),
        ("3BR1", "3BR3", {".model.blocks"}),
        ("3BR1", "3BR2", {".model.blocks"}),
        ("clock-decay", "1TL", {".schedule.weight_decay"}),
        ("clock-batch", "1TL", {".schedule.batch"}),
        ("restart", "1TL", {".schedule.rate.kind"}),
        ("shrink", "1TL", {".schedule.shrink"}),
        ("cyclic", "1TL", {".schedule.rate.kind", ".schedule.rate.period"}),
    ],
)
def test_an_experiment_changes_one_thing(name, of, settings, scale):
    if (name, scale) == ("3BL", "laptop"):  # its regime was chosen by itself: PILOTS.md
        settings = {*settings, ".schedule.weight_decay"}
    assert changed(name, of, scale) == settings


def test_everything_in_the_book_can_be_made_at_its_scale():
    assert len(set(studies.BOOK)) == len(studies.BOOK)
    assert {name for name, _ in studies.BOOK} == set(studies.names())
    for name, scale in studies.BOOK:
        assert studies.get(name, scale).scale == scale
