"""The explorer: what it shows, against numbers taken from the table with pandas."""

import dataclasses
import json
import re
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from typing import ClassVar

import pandas as pd
import pytest
from handmade import ENDING, GRID, formula, handmade, numbers, shown

from cplib import studies
from cplib.deficits import KINDS, Blur, Deficit, Look
from cplib.errors import InputError
from cplib.results import Result, compute
from cplib.studies import Run
from cplib.widgets import explore
from cplib.widgets.explorer import WIDGET_VIEW, with_run

ROUNDING = 0.0501  # one decimal is shown


@pytest.fixture(scope="module")
def result():
    return handmade("timing", "demo", grid=GRID)


@pytest.fixture(scope="module")
def explorer(result):
    """One that nobody moves."""
    return explore(result)


class Tags(HTMLParser):
    """All start tags with their attributes."""

    def __init__(self, text):
        super().__init__()
        self.all = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.all.append((tag, dict(attributes)))


def data_of(page):
    source = re.search('<script type="application/json">(.*?)</script>', page, re.S)
    return json.loads(source[1])


def assert_tells(outcomes, result, deficit, onset, removal, epoch):
    """The sentences about a run, against its numbers."""
    outcome = outcomes.choose(deficit, onset, removal)
    now, ending = outcomes.now(outcome, epoch), outcomes.ending(outcome)
    truth = numbers(result, deficit, onset, removal)
    clean = numbers(result, "none", 0, 0)["curve"]
    for pair, true in zip(
        shown(now) + shown(ending),
        [truth["curve"][epoch], clean[epoch]] + [truth[name] for name in ENDING],
        strict=True,
    ):
        assert pair == pytest.approx([abs(v) for v in true], abs=ROUNDING)
    directions = re.findall("points (lower|higher)", ending)
    changes = truth["change"][0], truth["lag"][0]
    assert directions == ["lower" if c < 0 else "higher" for c in changes]


def test_the_first_state_is_the_longest_early_blur(explorer, result):
    start = data_of(explorer.html)["start"]
    assert start == {"group": 0, "run": 7, "epoch": 20, "against": "baseline"}
    assert explorer.start.run == result.study.find("blur", 0, 40)
    assert "Epoch 20: the network sees blurred images" in explorer.panel.alt
    assert len(explorer.panel.table) == len(result.study.runs) - 1


@pytest.mark.parametrize(
    "state", [("blur", 0, 40, 20), ("blur", 0, 20, 15), ("noise", 10, 20, 50)]
)
def test_sentences_tell_the_numbers(explorer, result, state):
    assert_tells(explorer.outcomes, result, *state)


def test_words_tell_what_is_before_under_and_after(explorer):
    outcome = explorer.outcomes.choose("labels", 10, 20)
    for epoch, phase in (
        (9, "before the label permutation"), (10, "under label permutation"),
        (19, "under label permutation"), (20, "after the label permutation"),
        (80, "the end of training"),
    ):  # fmt: skip
        told = explorer.outcomes.now(outcome, epoch)
        assert f"Epoch {epoch} of 80, {phase}:" in told


def test_defaults_go_with_what_is_asked(result):
    def window(of, **options):
        run = explore(of, **options).start.run
        return run.onset, run.removal

    assert window(result, removal=20) == (0, 20)
    assert window(result, onset=10) == (10, 40)
    assert window(handmade("1BL", "demo"), removal=30) == (20, 30)


# A reader's own studies.


@dataclasses.dataclass(frozen=True)
class Grey(Deficit):
    """A deficit as a notebook defines it, with a dash that only matplotlib knows."""

    look: ClassVar[Look] = Look("tab:olive", "x", (0, (1, 2)))

    def images(self, x, seed):
        return x.mean(1, keepdim=True).expand_as(x)


OWN = {
    "its own deficit": [(Grey(), 0, 2), (Grey(), 0, 4)],
    "two strengths": [(Blur(2), 0, 2), (Blur(4), 0, 2)],
    "one after the other": [[(Blur(), 0, 1), (Grey(), 3, 4)]],
    "one that returns": [[(Blur(), 0, 1), (Blur(), 2, 3)], (Blur(), 0, 3)],
}


def own(spans):
    setup = studies.get("1TL", "smoke").setup
    return formula(studies.windows("mine", "smoke", "Mine", setup, spans, 2))


@pytest.mark.parametrize("spans", OWN.values(), ids=OWN)
def test_a_readers_own_study_is_explored(spans):
    result = own(spans)
    data = data_of(explore(result).html)
    told = [run for group in data["groups"] for run in group["runs"]]
    assert sorted(run["title"] for run in told) == sorted(
        run.title for run in result.study.runs[1:]
    )
    for run in result.study.runs[1:]:
        (found,) = [each for each in told if each["title"] == run.title]
        assert [tuple(w) for w in found["windows"]] == [
            (w.deficit.name, w.onset, w.removal) for w in run.windows
        ]
        for epoch in range(run.epochs):
            number = next(number for end, number in found["phases"] if epoch < end)
            assert data["phases"][number][1] == (run.sees(epoch) or Deficit()).name
        ends = [100 * result.curve(run).loc[run.epochs].mean(), found["mean"][-1]]
        assert ends[0] == pytest.approx(ends[1], abs=ROUNDING)


def test_runs_are_listed_where_their_windows_do_not_tell_them_apart():
    for spans, listed in zip(OWN.values(), (False, False, True, True), strict=True):
        groups = data_of(explore(own(spans)).html)["groups"]
        assert {group["listed"] for group in groups} == {listed}


def test_a_deficit_of_a_notebook_is_seen_and_named():
    panel = explore(own(OWN["its own deficit"])).panel
    assert "the network sees images with the deficit “grey”" in panel.alt
    assert "Final accuracy after grey from epoch 0 to 4" in panel.alt
    two = explore(own(OWN["one after the other"]))
    assert "blur from epoch 0 to 1 and then grey from epoch 3 to 4" in two.panel.alt
    data = data_of(two.html)
    assert data["sees"]["grey"]["images"] != data["sees"]["blur"]["images"]
    end, number = data["groups"][0]["runs"][0]["phases"][1]
    assert (end, data["phases"][number]) == (3, ["after the blur", "none"])


def test_the_control_of_moving_noise_is_explored(own_folders):
    explorer = explore(handmade("2B-moving", "laptop", seeds=[0]))
    assert "sees moving noise in place of images" in explorer.panel.alt


def test_two_strengths_are_told_apart():
    data = data_of(explore(own(OWN["two strengths"])).html)
    assert [group["label"] for group in data["groups"]] == ["blur, factor 2", "blur"]
    weak, strong = (data["sees"][name] for name in ("blur(factor=2)", "blur"))
    assert weak["images"] != strong["images"]


@pytest.mark.parametrize(
    "options, sentence",
    [
        ({"deficit": "fog"}, "deficit='fog' is not in this result: choose one of "
         "blur, flip, labels, noise."),
        ({"onset": 3}, "onset=3 and removal=None in this result: choose one of "
         "blur 0–1; blur 0–2; blur 1–2."),
        ({"onset": 2, "removal": 1}, "onset=2 and removal=1"),
        ({"removal": "soon"}, "removal='soon'"),
        ({"against": "luck"}, "reference 'luck': choose one of baseline, control."),
        ({"images": 0}, "images=0 must be a whole number from 1 to 6."),
        ({"images": True}, "images=True"),
    ],
)  # fmt: skip
def test_bad_input_is_told_with_the_remedy(options, sentence):
    with pytest.raises(InputError) as told:
        explore(handmade(), **options)
    assert sentence in str(told.value)
    assert str(told.value).endswith(".")


def test_a_result_without_windows_is_refused():
    full = handmade()
    study = studies.windows("plain", "smoke", "Clean", full.study.setup, [], 2)
    clean = full.table[full.table.deficit == "none"]
    with pytest.raises(InputError, match="no run with a deficit"):
        explore(Result(study, clean, full.provenance))


def test_one_seed_has_no_spread():
    explorer = explore(handmade("1TL", "smoke", seeds=[4]))
    assert "±" not in explorer.panel.alt and "one seed" in explorer.panel.alt
    assert data_of(explorer.html)["clean"]["half"] is None


def test_images_are_the_deficits_work(explorer):
    sees = data_of(explorer.html)["sees"]
    assert set(sees) == {"none", *KINDS}
    assert sees["labels"]["images"] is None  # as the clean ones
    assert all(a != b for a, b in zip(
        sees["labels"]["told"], sees["none"]["told"], strict=True))  # fmt: skip
    for kind in ("blur", "flip", "noise"):
        assert sees[kind]["told"] == sees["none"]["told"]
        assert not set(sees[kind]["images"]) & set(sees["none"]["images"])


def test_sets_that_need_a_download_are_replaced_and_it_is_said(own_folders):
    explorer = explore(handmade("1TL", "laptop", seeds=[0]))
    assert "a cat" in explorer.panel.caption and "CC0" in explorer.panel.caption
    assert "in place of the training images, which need" in explorer.panel.caption
    digits = explore(handmade("3TR", "laptop", seeds=[0]))
    assert "scikit-learn's digits" in digits.panel.caption
    assert not (own_folders / "data").exists()


def test_the_page_holds_the_numbers_of_every_window(explorer, result):
    told = [run for group in data_of(explorer.html)["groups"] for run in group["runs"]]
    assert len(told) == len(result.study.runs) - 1
    for run in told:
        truth = numbers(result, *run["windows"][0])
        means, halves = zip(*truth["curve"], strict=True)
        assert run["mean"] == pytest.approx(means, abs=ROUNDING)
        assert run["half"] == pytest.approx(halves, abs=ROUNDING)
        for ending, name in (
            (run["final"], "final"),
            (run["without"]["baseline"], "baseline"),
            (run["without"]["control"], "control"),
        ):
            assert ending[:2] == pytest.approx(truth[name], abs=ROUNDING)
        for against, name in (("baseline", "change"), ("control", "lag")):
            assert run["changes"][against] == pytest.approx(truth[name][0], abs=0.0501)


def test_the_page_works_alone_and_is_light(explorer):
    page = explorer.html
    assert not re.search(r"""(src|href)\s*=\s*["']?\s*(https?:)?//""", page)
    assert not re.search(r"@import|url\((?!data:)|fetch\(|XMLHttpRequest", page)
    assert len(page.encode()) < 400_000


def test_without_scripts_there_is_no_control_but_figure_and_table(explorer):
    tags = Tags(explorer.html).all
    names = [tag for tag, _ in tags]
    assert not {"input", "select", "button"} & set(names)
    assert {"figure", "figcaption", "details", "table"} <= set(names)
    assert "the script for it does not run" in explorer.html
    images = [attributes for tag, attributes in tags if tag == "img"]
    assert len(images) == 1 and len(images[0]["alt"]) > 100
    assert images[0]["src"].startswith("data:image/svg+xml;base64,")


def test_two_explorers_on_a_page_share_no_id(explorer, result):
    page = explorer.html + explore(result, deficit="flip").html
    ids = [a["id"] for _, a in Tags(page).all if "id" in a]
    assert len(ids) == len(set(ids))


def test_both_front_ends_are_served(explorer):
    bundle = explorer._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", WIDGET_VIEW}
    assert bundle["text/html"] == explorer.html == live(explorer)
    assert bundle[WIDGET_VIEW]["model_id"] == explorer.box.model_id
    assert set(explorer.trainer.values()) < set(explorer.box.children)


def live(explorer):
    """The HTML that a live front end shows."""
    (output,) = explorer.box.children[0].outputs
    return output["data"]["text/html"]


def test_a_trained_result_is_explored():
    study = studies.get("1TL", "smoke")
    with ThreadPoolExecutor(1) as executor:
        result = compute(study, [0], device="cpu", executor=executor, progress=False)
    explorer = explore(result, removal=1)
    truth = numbers(result.only([0]), "blur", 0, 1)["final"][0]
    told = re.search(r"from epoch 0 to 1: (\d+\.\d)", explorer.panel.alt)
    assert float(told[1]) == pytest.approx(truth, abs=ROUNDING)
    assert "computed live" in explorer.panel.caption


def ask(explorer, onset, removal, deficit="blur"):
    """Ask the live explorer to train a window."""
    asked = {"deficit": deficit, "onset": onset, "removal": removal}
    for name, value in asked.items():
        explorer.trainer[name].value = value
    explorer.trainer["button"].click()


def test_a_window_that_is_not_there_is_trained(own_folders):
    """The same numbers as of a study that has had it from the start."""
    whole = studies.get("timing", "smoke")
    wanted = whole.runs[2]
    less = dataclasses.replace(
        whole, runs=tuple(run for run in whole.runs if run != wanted)
    )
    options = {"workers": 1, "progress": False}
    explorer = explore(compute(less, [0, 1], **options))
    assert wanted not in [outcome.run for outcome in explorer.outcomes.all]
    ask(explorer, wanted.onset, wanted.removal, wanted.name)
    assert explorer.start.run == wanted
    assert live(explorer) == explorer.html
    assert not explorer.trainer["button"].disabled
    truth = compute(whole, [0, 1], **options)
    pd.testing.assert_frame_equal(
        explorer.outcomes.result.curve(wanted), truth.curve(wanted)
    )
    assert_tells(explorer.outcomes, truth, wanted.name, wanted.onset, wanted.removal, 1)


def test_a_window_that_is_there_is_shown_without_training():
    explorer = explore(handmade())
    ask(explorer, 1, 2, "noise")
    assert explorer.start.run == explorer.outcomes.result.study.find("noise", 1, 2)


@pytest.mark.parametrize(
    "window, sentence",
    [
        ((2, 2), "blur 2–2 cannot be compared: choose a removal after the onset"),
        ((3, 2), "The deficit ends (removal=2) before it begins (onset=3): choose"),
    ],
)
def test_a_window_that_cannot_be_trained_is_refused(result, window, sentence):
    explorer = explore(result)
    before = explorer.start
    ask(explorer, *window)
    assert sentence in explorer.trainer["report"].outputs[0]["text"]
    assert explorer.start is before and not explorer.trainer["button"].disabled
    last = result.study.runs[0].epochs - result.study.clean_epochs
    assert explorer.trainer["removal"].max == last  # a later one cannot be asked for
    longer = Run([(Blur(), 0, last + 1)], last + 1 + result.study.clean_epochs)
    with pytest.raises(InputError, match=f"not after epoch {last}"):
        with_run(result, longer)
