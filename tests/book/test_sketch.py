"""Predict, then reveal: by mouse, finger and keyboard, on a page alone."""

import re
from functools import partial

import pytest
from alone import DESKTOP, PHONE, opening, written
from handmade import formula, handmade, interval

from cplib import results, studies
from cplib.deficits import Blur
from cplib.errors import InputError
from cplib.widgets import predict
from cplib.widgets.predict import Sketch

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def result():
    return handmade("1TL", "demo")


@pytest.fixture(scope="module")
def sheet(result, tmp_path_factory):
    other = predict.losses(handmade("1BL", "demo"))
    body = predict.endings(result)._repr_html_() + other._repr_html_()
    return written(tmp_path_factory.mktemp("sheet"), body)


@pytest.fixture
def visit(launched, sheet):
    with opening(launched) as opened:
        yield partial(opened, sheet)


def truth(result):
    """Mean final accuracy in %, by t0, straight from the table."""
    table = result.table[result.table["metric"] == "test_accuracy"]
    found = {}
    for run in result.study.runs:
        end = result.study.clean_epochs if run.clean else run.epochs
        rows = table[
            (table["deficit"] == run.name)
            & (table["removal"] == run.removal)
            & table["epoch"].between(end - 4, end)
        ]
        found[run.removal] = 100 * rows["value"].mean()
    return found


def part(page):
    return page.locator(".cplib-sketch").first


def said(page):
    return part(page).locator("output").text_content()


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_measured_curve_is_hidden_until_it_is_asked_for(visit, result, viewport):
    page = visit(viewport)
    assert part(page).locator(".measured").count() == 0
    assert not re.search(r"\d", said(page))
    part(page).get_by_text("Show what was measured").click()
    pairs = re.findall(r"(\d+): (\d+\.\d)", said(page).split("Measured")[1])
    assert {int(x): float(y) for x, y in pairs} == {
        x: pytest.approx(y, abs=0.051) for x, y in truth(result).items()
    }
    assert part(page).locator("rect.measured").count() == len(truth(result)) + 1
    part(page).get_by_text("Hide what was measured").click()
    assert part(page).locator(".measured").count() == 0
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0


def test_a_stroke_draws_every_point(visit, result):
    page = visit()
    chart = part(page).locator(".chart")
    box = chart.bounding_box()
    left, right = box["x"] + 52, box["x"] + box["width"] - 16
    page.mouse.move(left, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(right, box["y"] + 200, steps=2)  # quicker than the points are apart
    page.mouse.up()
    heights = [
        float(y) for y in chart.locator("circle.guess").evaluate_all(
            "all => all.map(dot => dot.getAttribute('cy'))")
    ]  # fmt: skip
    assert heights == sorted(heights) and len(set(heights)) == len(heights)
    assert heights[0] == pytest.approx(20, abs=2)
    assert heights[-1] == pytest.approx(200, abs=2)


def test_the_keyboard_does_all(visit, result):
    page = visit()
    points = part(page).locator("summary")
    points.focus()
    page.keyboard.press("Enter")
    sliders = part(page).get_by_role("slider")
    assert sliders.count() == len(truth(result))
    name = sliders.last.get_attribute("aria-label")
    assert "accuracy (%)" in name and name.endswith(str(max(truth(result))))
    sliders.last.focus()
    page.keyboard.press("Home")
    low = predict.endings(result).low
    assert sliders.last.get_attribute("aria-valuetext") == f"{low:.1f}"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    last = truth(result)[max(truth(result))]
    found = re.search(r"you have (\S+), measured is (\S+)\. M", said(page))
    assert float(found[1]) == low
    assert float(found[2]) == pytest.approx(last, abs=0.051)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # start again
    assert part(page).locator(".measured").count() == 0


def test_a_finger_draws(visit):
    page = visit(PHONE, has_touch=True, is_mobile=True)
    box = part(page).locator(".chart").bounding_box()
    page.touchscreen.tap(box["x"] + 52, box["y"] + 30)
    assert "Your sketch" in said(page)


def test_without_scripts_it_says_so(visit, result):
    page = visit(java_script_enabled=False)
    assert "A sheet of paper does as well" in part(page).inner_text()
    assert part(page).locator("button, input").count() == 0


def test_losses_are_against_equal_length():
    """Each network against the one of its age without deficit, by hand."""
    windows = handmade("1BL", "demo")
    table = results.finals(windows)
    drawn = predict.losses(windows)
    for x, mean, half in zip(drawn.x, drawn.mean, drawn.half, strict=True):
        rows = table[(table["onset"] == x) & (table["deficit"] != "none")]
        lost = 100 * (rows["control"] - rows["final"])
        assert (mean, half) == pytest.approx(interval(lost))
    assert drawn.low < min(drawn.mean) and max(drawn.mean) < drawn.high


def test_outcomes_are_named_in_the_order_of_the_study():
    demo = handmade("demo", "demo", seeds=[3])
    drawn = predict.outcomes(demo)
    assert drawn.x == ("no deficit", "blur", "vertical flip")
    assert drawn.half is None
    table = results.finals(demo)
    last = table[table["removal"] == demo.study.runs[-1].removal]
    blurred = last[last["deficit"] == "blur"]["final"].item()
    assert drawn.mean[1] == pytest.approx(100 * blurred)
    assert drawn.low + 10 <= min(drawn.mean) and max(drawn.mean) <= drawn.high - 10


def test_a_readers_own_study_is_sketched():
    """Two strengths, and a deficit that returns, each as itself."""
    base = studies.get("1TL", "smoke").setup
    spans = [(Blur(2), 0, 1), (Blur(2), 0, 3), (Blur(4), 0, 3)]
    strengths = formula(studies.windows("two", "smoke", "Two", base, spans, 2))
    table = results.finals(strengths)
    for deficit, runs in ((None, (0, 1, 2)), ("blur", (0, 3))):
        drawn = predict.endings(strengths, deficit)
        ends = [100 * table[table["run"] == run]["final"].mean() for run in runs]
        assert drawn.mean == pytest.approx(ends)
    assert predict.endings(strengths).xlabel == "blur, factor 2 until epoch t₀"
    spans = [[(Blur(), 0, 1), (Blur(), 2, 3)], (Blur(), 0, 3)]
    again = formula(studies.windows("again", "smoke", "Again", base, spans, 2))
    names = ("no deficit", "blur 0–1, blur 2–3", "blur 0–3")
    assert predict.outcomes(again).x == names
    with pytest.raises(InputError, match="no run with fog.*blur, factor 2 0–1"):
        predict.endings(strengths, "fog")


def test_points_and_values_go_together():
    with pytest.raises(InputError, match="3 points has 2 measured"):
        Sketch((0, 1, 2), (1.0, 2.0), None, "x", "y", 0, 1, "")
