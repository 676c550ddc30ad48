"""NumPy's numbers are what the plain ones are; what is no number is one sentence."""

import dataclasses
import json
from fractions import Fraction

import numpy as np
import pytest
import torch
from handmade import handmade

from cplib import engine, fisher, models, results, studies
from cplib._base import device, plain
from cplib.analysis import biology, effects
from cplib.data import DataSpec, gratings
from cplib.deficits import Blur, LabelPermutation, Noise
from cplib.errors import InputError
from cplib.figures import examples, stimuli
from cplib.fisher import Probe, noise
from cplib.models import ModelSpec
from cplib.studies import costs, plan
from cplib.training import Schedule, Setup
from cplib.widgets import predict

WINDOWS = "mine", "smoke", "Mine"
WHOLE = [np.int64, np.int32, np.uint8, np.int16]


def study(whole=int, real=float, flag=bool):
    """A small study, with numbers of the given kinds wherever there is one."""
    setup = Setup(
        DataSpec("gratings", whole(96), whole(64), whole(8), (("fine", real(0.5)),)),
        ModelSpec("DepthCNN", whole(2), whole(1)),
        Schedule(real(0.25), real(0.5), real(0.75), real(0.125), whole(32), whole(1),
                 flag(False)),
        Probe(whole(8), whole(1)),
    )  # fmt: skip
    spans = [(Blur(whole(2)), whole(0), whole(1)), (Noise(), whole(1), whole(2)),
             (LabelPermutation(whole(10)), whole(0), whole(2))]  # fmt: skip
    return studies.windows(*WINDOWS, setup, spans, whole(1))


def keys(study, seed):
    return list(plan.make_plan(study.setup, study.runs, [seed]).segments)


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("real", [np.float64, np.float32])
def test_numpys_numbers_name_the_same_study_and_checkpoints(kind, real):
    mine, wanted = study(kind, real, np.bool_), study()
    assert json.dumps(mine.spec()) == json.dumps(wanted.spec())
    assert (mine, mine.hash) == (wanted, wanted.hash)
    assert keys(mine, kind(3)) == keys(wanted, 3)


def test_what_plain_numbers_name_is_left_alone():
    """1 and 1.0 have always been two studies: their checkpoints are found again."""
    one, other = (dataclasses.replace(Schedule(), lr=lr) for lr in (1, 1.0))
    texts = [json.dumps(dataclasses.asdict(s)) for s in (one, other)]
    assert '"lr": 1,' in texts[0] and '"lr": 1.0,' in texts[1]


def test_a_sweep_with_numpys_seeds_is_the_same_and_can_be_stored(tmp_path):
    options = {"progress": False, "workers": np.int64(1)}
    mine = results.compute(
        study(np.int64), np.arange(2), cache=tmp_path / "mine", **options
    )
    wanted = results.compute(study(), [0, 1], cache=tmp_path / "wanted", **options)
    assert mine.table.equals(wanted.table)
    assert json.loads(json.dumps(mine.provenance)).keys() == {"0", "1"}
    results.save(mine.only(np.array([1])))
    stored = results.stored(study())
    assert (stored.seeds, stored.only([np.int64(1)]).seeds) == ([1], [1])


@pytest.mark.parametrize(
    ("given", "wanted"),
    [(np.int64(3), [0, 1, 2]), (np.arange(3), [0, 1, 2]), ([np.int64(4), 4], [4]),
     (np.uint8(1), [0]), (range(2), [0, 1]), ({7}, [7])],
)  # fmt: skip
def test_seeds_as_programs_write_them(given, wanted):
    got = plain.seeds(given)
    assert got == wanted and {type(seed) for seed in got} == {int}


@pytest.mark.parametrize(
    ("stored", "wanted"), [((), [0, 1, 2]), ([0, 4, 5, 6], [0, 4, 5, 6]), ([7], [7])]
)
def test_all_seeds_are_those_stored_or_three(stored, wanted):
    assert plain.seeds("all", stored) == wanted
    assert plain.seeds(2, stored) == [0, 1]


@pytest.mark.parametrize("given", [2.0, np.float64(2), np.True_, np.array(2), object()])
def test_a_number_of_seeds_that_is_none_is_one_sentence(given):
    with pytest.raises(InputError, match="seeds=.*"):
        plain.seeds(given)


def test_seeds_too_large_for_pytorch_are_named():
    assert plain.seeds([2**63 - 1]) == [2**63 - 1]
    with pytest.raises(InputError, match=f"seed={2**63} is too large"):
        plain.seeds([2**63])


NET = models.build(ModelSpec("AllCNN", 2), channels=3, size=8, seed=0)
IMAGES = torch.zeros(4, 3, 8, 8)
RESULT = handmade("1TL")
SETUP = RESULT.study.setup
RANDOM = torch.Generator()

# what takes a whole number, by the name that its sentence gives it
TAKERS = {
    "train": lambda n: DataSpec("gratings", n, 1, 8),
    "test": lambda n: DataSpec("gratings", 1, n, 8),
    "size": lambda n: DataSpec("gratings", 1, 1, n),
    "width": lambda n: ModelSpec("AllCNN", n),
    "blocks": lambda n: ModelSpec("DepthCNN", 2, n),
    "batch": lambda n: Schedule(batch=n),
    "shift": lambda n: Schedule(shift=n),
    "images": lambda n: Probe(n),
    "every": lambda n: Probe(2, n),
    "factor": lambda n: Blur(n),
    "classes": lambda n: LabelPermutation(n),
    "onset": lambda n: studies.Run([(Blur(), n, 9)], 9),
    "removal": lambda n: studies.windows(
        "x", "x", "x", study().setup, [(Blur(), 0, n)], 1
    ),
    "epochs": lambda n: studies.Run([], n),
    "clean_epochs": lambda n: studies.windows(*WINDOWS, SETUP, [], n),
    "checkpoint_every": lambda n: plan.make_plan(SETUP, [], [0], "cpu", n),
    "workers": lambda n: engine.run(SETUP, RESULT.study.runs, [0], workers=n),
    "seeds": plain.seeds,
    "last": lambda n: results.finals(RESULT, n),
    "points": lambda n: predict.trace(RESULT, n),
    "chunk": lambda n: fisher.trace(NET, IMAGES, RANDOM, chunk=n),
    "steps": lambda n: noise.noise_injection(NET, IMAGES, RANDOM, steps=n),
    "count": stimuli.deficits,
    "class": lambda n: stimuli.clues((n,)),
    "min_rows": lambda n: biology.load_csv("nowhere.csv", min_rows=n),
}
MORE = [
    ("seed", lambda n: plan.make_plan(SETUP, RESULT.study.runs, [n])),
    ("seed", lambda n: device.stream(n, "x")),
    ("seed", lambda n: models.build(ModelSpec(width=2), channels=1, size=8, seed=n)),
    ("seed", lambda n: gratings.make_gratings(5, n)),
    ("count", lambda n: gratings.make_gratings(n, 1)),
    ("size", lambda n: gratings.make_gratings(5, 1, size=n)),
    ("size", stimuli.photographs.__wrapped__),
    ("batch", lambda n: fisher.single_backward(NET, IMAGES, RANDOM, batch=n)),
    ("batch", lambda n: noise.noise_injection(NET, IMAGES, RANDOM, batch=n)),
    ("onset", lambda n: effects.effect(RESULT, onset=n, removal=9)),
    ("removal", lambda n: effects.effect(RESULT, removal=n)),
    ("images", lambda n: examples.examples(RESULT.study, n, 0)),
    ("clean_epochs", lambda n: dataclasses.replace(RESULT.study, clean_epochs=n)),
]


@pytest.mark.parametrize("bad", [2.0, np.float32(3), True, np.True_, "4", -1, None])
@pytest.mark.parametrize(("name", "take"), [*TAKERS.items(), *MORE])
def test_what_is_no_whole_number_is_one_sentence(name, take, bad):
    if (name, bad) in {("workers", None), ("seeds", "4")}:
        return  # the default; how many, from a command line
    with pytest.raises(InputError) as error:
        take(bad)
    assert f"{name}={bad!r} must be" in str(error.value)
    assert "must be a whole number" in str(error.value)


@pytest.mark.parametrize(
    ("name", "take"),
    [(name, lambda x, name=name: Schedule(**{name: x}))
     for name in ("lr", "decay", "momentum", "weight_decay")]
    + [("fine", lambda x: gratings.make_gratings(5, 0, fine=x)),
       ("fine", lambda x: DataSpec("gratings", 1, 1, 8, (("fine", x),))),
       ("beta", lambda x: noise.noise_injection(NET, IMAGES, RANDOM, beta=x)),
       ("share", lambda x: costs.table("smoke", ["demo"], share=x))],
)  # fmt: skip
@pytest.mark.parametrize("bad", ["1", None, True, -1, float("inf"), 1j])
def test_what_is_no_number_is_one_sentence(name, take, bad):
    with pytest.raises(InputError) as error:
        take(bad)
    assert f"{name}={bad!r} must be" in str(error.value)


def test_any_real_number_will_do():
    assert plain.number("x", Fraction(1, 4)) == 0.25
    assert type(plain.number("x", np.float16(0.5))) is float
    assert type(plain.number("x", np.int8(5))) is int
    with pytest.raises(InputError, match="positive"):
        plain.number("x", 0.0, True)


@pytest.mark.parametrize("bad", [1, 0, "no", None])
def test_mirror_is_a_yes_or_a_no(bad):
    assert Schedule(mirror=np.False_).mirror is False
    with pytest.raises(InputError, match="mirror=.*True or False"):
        Schedule(mirror=bad)
