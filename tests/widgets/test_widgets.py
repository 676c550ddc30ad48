"""The explorer: what it shows, against numbers taken from the table with pandas."""

import dataclasses
import html as html_escapes
import json
import re
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from itertools import product

import pandas as pd
import pytest
from handmade import ENDING, GRID, handmade, numbers, shown

from cplib import studies
from cplib.deficits import KINDS
from cplib.errors import InputError
from cplib.results import Result, compute
from cplib.widgets import explore, outcomes
from cplib.widgets.explorer import WIDGET_VIEW

ROUNDING = 0.0501  # one decimal is shown


@pytest.fixture(scope="module")
def result():
    return handmade("timing", "demo", grid=GRID)


@pytest.fixture(scope="module")
def explorer(result):
    """One that nobody moves."""
    return explore(result)


@pytest.fixture
def moved(result):
    """One to move about."""
    return explore(result)


class Tags(HTMLParser):
    """All start tags with their attributes."""

    def __init__(self, text):
        super().__init__()
        self.all = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.all.append((tag, dict(attributes)))


def words(explorer):
    """The two sentences below the picture."""
    found = re.findall("<p>(.*?)</p>", explorer.view.value)
    return [html_escapes.unescape(sentence) for sentence in found]


def data_of(page):
    source = re.search('<script type="application/json">(.*?)</script>', page, re.S)
    return json.loads(source[1])


def assert_shows(explorer, result, kind, onset, removal, epoch):
    now, ending = words(explorer)
    truth = numbers(result, kind, onset, removal)
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
    assert {name: c.value for name, c in explorer.controls.items()} == {
        "deficit": "blur", "onset": 0, "removal": 40, "epoch": 20,
        "against": "baseline",
    }  # fmt: skip
    assert_shows(explorer, result, "blur", 0, 40, 20)
    assert len(explorer.panel.table) == len(result.study.runs) - 1


def test_every_control_updates_picture_and_words(moved, result):
    for name, value in (
        ("epoch", 15), ("removal", 20), ("onset", 10), ("deficit", "noise"),
    ):  # fmt: skip
        before = moved.view.value
        moved.controls[name].value = value
        picture, sentences = before.split("<p>")[0], words(moved)
        assert moved.view.value.split("<p>")[0] != picture, name
        assert sentences != re.findall("<p>(.*?)</p>", before), name
    assert_shows(moved, result, "noise", 10, 20, 15)
    before = moved.view.value.split("<p>")[0]
    moved.controls["against"].value = "control"  # the words tell of both
    assert moved.view.value.split("<p>")[0] != before
    assert_shows(moved, result, "noise", 10, 20, 15)


def test_words_tell_what_is_before_under_and_after(result):
    explorer = explore(result, deficit="labels", onset=10, removal=20)
    epoch = explorer.controls["epoch"]
    for value, phase in (
        (9, "before the label permutation"), (10, "under label permutation"),
        (19, "under label permutation"), (20, "after the label permutation"),
        (50, "the end of training"),
    ):  # fmt: skip
        epoch.value = value
        assert f"Epoch {value} of 50, {phase}:" in words(explorer)[0]
    assert epoch.max == 50


def test_a_shorter_run_pulls_the_cursor_back(moved):
    moved.controls["epoch"].value = 60
    moved.controls["removal"].value = 10
    assert moved.controls["epoch"].value == moved.controls["epoch"].max == 40


@pytest.mark.parametrize(
    "name, scale",
    [("timing", "demo"), ("1BL", "demo"), ("1TL", "demo"), ("timing", "laptop")],
)
def test_snapping_always_lands_on_a_window_of_the_result(name, scale):
    result = handmade(name, scale, seeds=[0])
    traces = outcomes.Timeline(result).runs["blur"]
    for onset, removal, keep in product(
        range(-5, 50, 5), range(-5, 50, 5), ("onset", "removal")
    ):
        got = outcomes.nearest(traces, onset, removal, keep)
        assert got.onset < got.removal
        wanted = onset if keep == "onset" else removal
        offered = {getattr(trace, keep) for trace in traces}
        assert wanted not in offered or getattr(got, keep) == wanted


def test_sliders_snap_together(moved):
    onset, removal = moved.controls["onset"], moved.controls["removal"]
    up = [(onset, epoch) for _, epoch in onset.options]
    down = [(removal, epoch) for _, epoch in removal.options[::-1]]
    for control, epoch in up + down + up[::-1]:
        control.value = epoch
        assert control.value == epoch
        assert onset.value < removal.value
        assert moved.trace.window == (onset.value, removal.value)


def test_windows_of_one_length_move_as_a_whole():
    explorer = explore(handmade("1BL", "demo"))
    explorer.controls["onset"].value = 20
    assert explorer.controls["removal"].value == 30
    explorer.controls["removal"].value = 15
    assert explorer.controls["onset"].value == 5


def test_defaults_go_with_what_is_asked(result):
    assert explore(result, removal=20).trace.window == (0, 20)
    assert explore(result, onset=10).trace.window == (10, 40)
    assert explore(handmade("1BL", "demo"), removal=25).trace.window == (15, 25)


@pytest.mark.parametrize(
    "options, sentence",
    [
        ({"deficit": "fog"}, "deficit='fog' is not in this result: choose one of "
         "blur, flip, labels, noise."),
        ({"onset": 3}, "onset=3 and removal=None in this result: choose one of the "
         "windows 0 to 1, 0 to 2, 1 to 2."),
        ({"onset": 2, "removal": 1}, "onset=2 and removal=1"),
        ({"removal": "soon"}, "removal='soon'"),
        ({"against": "luck"}, "against='luck': choose one of baseline, control."),
        ({"images": 0}, "images=0 must be from 1 to 6, a whole number."),
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
    now, ending = words(explorer)
    assert "±" not in now + ending and "one seed" in ending
    assert data_of(explorer.html)["clean"]["sd"] is None


def test_pictures_are_the_deficits_work(explorer):
    sees = data_of(explorer.html)["sees"]
    assert set(sees) == {"none", *KINDS} == set(outcomes.SEES)
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
    data = data_of(explorer.html)
    runs = {
        (kind, run["onset"], run["removal"]): run
        for kind, entry in data["kinds"].items()
        for run in entry["runs"]
    }
    assert len(runs) == len(result.study.runs) - 1
    for (kind, onset, removal), run in runs.items():
        truth = numbers(result, kind, onset, removal)
        means, deviations = zip(*truth["curve"], strict=True)
        tenths = {"abs": 10 * ROUNDING}
        assert run["mean"] == pytest.approx([10 * v for v in means], **tenths)
        assert run["sd"] == pytest.approx([10 * v for v in deviations], **tenths)
        for ending, name in (
            (run["final"], "final"),
            (run["against"]["baseline"]["final"], "baseline"),
            (run["against"]["control"]["final"], "control"),
        ):
            wanted = [10 * v for v in truth[name]]
            assert [ending["mean"], ending["sd"]] == pytest.approx(wanted, **tenths)
        for yardstick, name in (("baseline", "change"), ("control", "lag")):
            change = run["against"][yardstick]["change"]
            assert change == pytest.approx(10 * truth[name][0], **tenths)


def test_the_page_stands_alone_and_light(explorer):
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


def test_the_live_picture_has_words(explorer):
    pictures = [a for tag, a in Tags(explorer.view.value).all if tag == "img"]
    assert len(pictures) == 1 and "Epoch 20: the network sees" in pictures[0]["alt"]


def test_both_front_ends_are_served(explorer):
    bundle = explorer._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", WIDGET_VIEW}
    assert bundle["text/html"] == explorer.html
    assert bundle[WIDGET_VIEW]["model_id"] == explorer.box.model_id
    assert set(explorer.controls.values()) < set(explorer.box.children)
    described = [control.description for control in explorer.controls.values()]
    assert described == ["Deficit", "Onset", "Removal", "Epoch", "Against"]


def test_a_trained_result_is_explored():
    study = studies.get("1TL", "smoke")
    with ThreadPoolExecutor(1) as executor:
        result = compute(study, [0], device="cpu", executor=executor, progress=False)
    explorer = explore(result)
    explorer.controls["removal"].value = 1
    truth = numbers(result, "blur", 0, 1)["final"][0]
    told = re.search(r"from epoch 0 to 1: (\d+\.\d)", words(explorer)[1])
    assert float(told[1]) == pytest.approx(truth, abs=ROUNDING)
    assert "computed live" in explorer.panel.caption


def test_a_window_that_is_not_there_is_trained(own_folders):
    """The same numbers as of a study that has had it from the start."""
    whole = studies.get("timing", "smoke")
    wanted = whole.runs[2]
    less = dataclasses.replace(
        whole, runs=tuple(run for run in whole.runs if run != wanted)
    )
    options = {"max_workers": 1, "progress": False}
    explorer = explore(compute(less, [0, 1], **options))
    kind, window = wanted.name, (wanted.onset, wanted.removal)
    assert window not in [t.window for t in explorer.timeline.runs[kind]]
    explorer.controls["deficit"].value = kind
    explorer.trainer["onset"].value, explorer.trainer["removal"].value = window
    explorer.trainer["button"].click()
    assert explorer.trace.window == window
    assert explorer.controls["removal"].value == window[1]
    assert not explorer.trainer["button"].disabled
    truth = compute(whole, [0, 1], **options)
    pd.testing.assert_frame_equal(
        explorer.timeline.result.curve(wanted), truth.curve(wanted)
    )


@pytest.mark.parametrize("window", [(-1, 2), (2, 2), (0, 90)])
def test_a_window_that_cannot_be_trained_is_refused(moved, window):
    before = moved.trace
    moved.trainer["onset"].value, moved.trainer["removal"].value = window
    moved.trainer["button"].click()
    said = moved.trainer["report"].outputs[0]["text"]
    assert str(window[0]) in said and ("choose" in said or "0 or more" in said)
    assert moved.trace is before and not moved.trainer["button"].disabled
