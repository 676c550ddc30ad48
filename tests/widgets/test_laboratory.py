"""The laboratory: what the page is given is what the package trains."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from handmade import STORED
from scipy import stats

from cplib import studies, widgets
from cplib.deficits import CONTROLS, KINDS, Blur, Deficit, LabelPermutation, Noise
from cplib.errors import InputError
from cplib.widgets import laboratory
from cplib.widgets.fragments import script

FOLDER = Path(widgets.__file__).parent / "static"
OWN = [f"lab/{path.stem}" for path in FOLDER.glob("lab/*.js")]
DEMO = studies.get("demo", "demo")


def test_the_recipe_is_that_of_the_scale_demo():
    recipe, schedule = laboratory().data(), DEMO.setup.schedule
    assert recipe["data"] == {"size": DEMO.setup.data.size}
    for name, value in recipe["schedule"].items():
        assert value == getattr(schedule, name)
    probe = studies.SCALES["demo"].probe
    assert recipe["probe"] == {"images": probe.images, "every": probe.every}
    state = laboratory().state()
    assert (state["train"], state["test"]) == (1_000, 1_000)
    assert (state["family"], state["width"]) == ("AllCNN", DEMO.setup.model.width)
    assert (state["fine"], state["coarse"], state["noise"]) == (0.5, 1.0, 1.0)
    for name in ("batch", "lr", "decay", "weight_decay", "mirror"):
        assert state[name] == getattr(schedule, name)


def test_a_study_is_offered_run_by_run():
    study = DEMO.vary(batch=50, lr=0.02, decay=0.9, weight_decay=0.0, mirror=True)
    state = laboratory(study).state()
    assert (state["mirror"], state["fine"], state["batch"]) == (1, 0.5, 50)
    assert (state["lr"], state["decay"], state["weight_decay"]) == (0.02, 0.9, 0)
    assert state["epochs"] == DEMO.runs[0].epochs
    seen = [net["windows"] for net in state["nets"]]
    assert seen == [
        [{"key": key, "onset": 0, "removal": 40}] for key in ("blur4", "flip", "noise")
    ]


def test_windows_in_turn_are_one_network():
    spans = [[(Blur(2), 0, 3), (Noise(), 5, 9)]]
    study = studies.windows("two", "demo", "Two", DEMO.setup, spans, 10)
    (net,) = laboratory(study).state()["nets"]
    assert [(w["key"], w["onset"], w["removal"]) for w in net["windows"]] == [
        ("blur2", 0, 3), ("noise", 5, 9),
    ]  # fmt: skip


def test_deficits_are_written_in_python_as_they_are():
    import cplib as cp

    made = laboratory().data()["deficits"]
    for deficit in made:
        assert eval(deficit["python"], {"cp": cp}).spec() == deficit["deficit"]
    kinds = {deficit["deficit"]["kind"] for deficit in made}
    assert kinds == {*KINDS, *CONTROLS}


class Fog(Deficit):
    """Not one of the laboratory's."""


@pytest.mark.parametrize(
    ("study", "words"),
    [
        (studies.get("1TL", "laptop"), "1TL.*recipe.*demo"),
        (DEMO.vary(momentum=0.5), "demo-momentum0.5.*recipe"),
        (DEMO.vary(family="ResNet18"), "recipe"),
        (studies.sweep("fog", Fog(), (3,), base=DEMO), "no fog: .*blur, factor 2"),
        (studies.sweep("b3", Blur(3), (3,), base=DEMO), "no blur, factor 3"),
    ],
)
def test_what_it_cannot_train_is_refused(study, words):
    with pytest.raises(InputError, match=words):
        laboratory(study)


def test_stored_runs_are_those_that_a_reader_can_repeat(books_results):
    """Points lost from the stored table, run by run; Student's t over its seeds."""
    state, given = laboratory().state(), laboratory().data()["stored"]
    assert given["setting"].items() <= state.items()
    table = pd.read_csv(STORED / "demo-demo.csv.gz", comment="#")
    table = table[table.metric == "test_accuracy"]

    def final(number, end):
        last = table[(table.run == number) & table.epoch.between(end - 4, end)]
        return last.groupby("seed")["value"].mean()

    for number, run in enumerate(DEMO.runs[1:], start=1):
        epochs, windows, therapy, *found = given["runs"][number - 1]
        assert therapy == "none"
        spans = [(w["key"], w["onset"], w["removal"]) for w in windows]
        kind = run.windows[0].deficit.kind.replace("blur", "blur4")
        assert (epochs, spans) == (run.epochs, [(kind, run.onset, run.removal)])
        lost = 100 * (final(0, epochs) - final(number, epochs))
        half = stats.t.ppf(0.975, len(lost) - 1) * stats.sem(lost)
        assert found == pytest.approx([lost.mean(), half, len(lost)], abs=0.051)


def test_without_results_nothing_is_stored():
    assert laboratory().data()["stored"]["runs"] == []


def test_label_permutation_is_its_own_key():
    study = studies.sweep("l", LabelPermutation(), (3,), base=DEMO)
    assert laboratory(study).state()["nets"][0]["windows"][0]["key"] == "labels"


def test_script_and_engine_are_light():
    assert sum(len(script(name).encode()) for name in ("draw", *OWN)) < 60_000
    assert (FOLDER / "lab" / "engine.wasm").stat().st_size < 40_000


def test_it_loads_nothing():
    html = laboratory()._repr_html_()
    source = re.search('<script type="application/json">(.*?)</script>', html, re.S)
    assert json.loads(source[1])["start"] == laboratory().state()
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", html)
