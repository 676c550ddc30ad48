"""Questions with instant answers: right by construction, and by mouse and keyboard."""

import re
from functools import partial

import nbformat
import pandas as pd
import pytest
from alone import DESKTOP, PHONE, flaws, written

from cplib.errors import InputError
from cplib.widgets import ask
from tools.build.book import CODE

CURVES = {
    "rises": pd.Series([0.0, 4.0, 10.0], [0, 5, 20]),
    "falls": pd.DataFrame({0: [9.0, 3.0], 1: [7.0, 1.0]}, index=[0, 20]),
    "stays": pd.Series([5.0, 5.0], [0, 20]),
}
WHY = {name: f"Because it {name} <so>." for name in CURVES}
CHAPTERS = ("experiment", "blur", "high-level", "deprivation", "architecture", "depth")
CHAPTERS += ("fisher", "layers")


@pytest.fixture(scope="module")
def sheet(tmp_path_factory):
    body = ask("Which falls?", "falls", WHY, CURVES, line=10).data
    body += ask("Which word?", "one & all", {"one & all": "Yes.", "other": "Why?"}).data
    return written(tmp_path_factory.mktemp("sheet"), body)


@pytest.fixture
def visit(opened, sheet):
    return partial(opened, sheet)


def test_the_plots_are_the_curves_on_one_scale():
    """The points of each, against the formula, with its numbers in words."""
    page = ask("Which falls?", "falls", WHY, CURVES).data
    assert "0 to 20 across, 0 to 10 upwards" in page
    plots = re.findall(
        r'aria-label="(.*?)">.*?<polyline points="(.*?)".*?<b>\w+: (\w+)\.', page
    )
    assert {name for _, _, name in plots} == set(CURVES)
    for alt, points, name in plots:
        mean = pd.DataFrame(CURVES[name]).mean(axis=1)
        for point, (x, y) in zip(points.split(), mean.items(), strict=True):
            expected = 5 + 150 * x / 20, 75 - 70 * y / 10
            assert tuple(map(float, point.split(","))) == pytest.approx(
                expected, abs=0.05
            )
        assert f"from {mean.iloc[0]:g} at 0 to {mean.iloc[-1]:g} at 20" in alt
        assert name not in alt


def test_one_is_right_and_its_place_is_chance():
    places = set()
    for number in range(20):
        page = ask(f"Question {number}?", "stays", WHY).data
        kinds = re.findall('<details class="(right|no)">', page)
        assert sorted(kinds) == ["no", "no", "right"]
        places.add(kinds.index("right"))
        assert page == ask(f"Question {number}?", "stays", WHY).data
    assert places == {0, 1, 2}


@pytest.mark.parametrize(
    "given",
    [("else", WHY, CURVES), ("falls", WHY, {"falls": CURVES["falls"]})],
    ids=["right", "curves"],
)
def test_names_that_do_not_agree_are_refused(given):
    with pytest.raises(InputError, match="do not go with rises, falls, stays: use"):
        ask("Which?", *given)


@pytest.mark.browser
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_an_answer_comes_at_once(visit, viewport, scripts):
    page = visit(viewport, java_script_enabled=scripts)
    first = page.locator(".cplib-ask").first
    assert first.locator("svg:visible").count() == 3
    assert page.locator("details p:visible").count() == 0
    first.locator(".no summary").first.click()
    told = first.locator(".no p").first
    assert told.inner_text().startswith("No: ") and "<so>." in told.inner_text()
    first.locator(".right summary").click()
    assert "Right: falls. Because it falls" in first.locator(".right p").inner_text()
    if scripts:
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0


@pytest.mark.browser
def test_the_keyboard_answers(visit):
    page = visit()
    for _ in range(3):
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
    assert page.locator("details[open]").count() == 3
    page.keyboard.press("Space")
    assert page.locator("details[open]").count() == 2


@pytest.mark.browser
def test_paper_has_no_questions(visit):
    page = visit()
    page.emulate_media(media="print")
    assert not page.locator(".cplib-ask").first.is_visible()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_questions_are_accessible(visit, scheme):
    page = visit(color_scheme=scheme)
    page.evaluate(
        "document.querySelectorAll('details').forEach(e => { e.open = true; })"
    )
    assert not flaws(page)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_chapters_ask(chapter):
    """One question each, whose code, which tells the answer, the page leaves out."""
    notebook = nbformat.read(CODE / "book" / f"{chapter}.ipynb", as_version=4)
    asked = [cell for cell in notebook.cells if "cp.ask(" in cell.source]
    assert len(asked) == 1
    assert "remove-input" in asked[0].metadata.tags
