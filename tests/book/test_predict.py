"""Predict, then reveal: by mouse, finger and keyboard, on a page alone."""

import dataclasses
import re
from functools import partial

import numpy as np
import pytest
from alone import DENIED, DESKTOP, PHONE, anew, flaws, opening, written
from handmade import formula, handmade, interval, with_traces

from cplib import results, studies
from cplib.analysis import Finding, Scorecard
from cplib.analysis.ledger import registered
from cplib.deficits import Blur, VerticalFlip
from cplib.errors import InputError
from cplib.widgets import predict
from cplib.widgets.predict import Sketch

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def result():
    return handmade("1TL", "demo")


def cells(*outputs):
    """A section of a page of the book, with a cell for each output."""
    inside = "".join(f'<div class="cell">{output}</div>' for output in outputs)
    return f"<section><p>Some words.</p>{inside}</section>"


FIGURE = '<figure class="cplib-figure">Measured.</figure>'
CALLS = "blur-lasting", "hump"


@pytest.fixture(scope="module")
def sheet(result, tmp_path_factory):
    """Two sections: a sketch with two calls, and a call alone."""
    asked = predict.call(*CALLS, sketch=predict.endings(result)).data
    other = predict.call("mlp-critical").data
    body = cells(asked, FIGURE, FIGURE) + cells(other, FIGURE)
    return written(tmp_path_factory.mktemp("sheet"), body)


@pytest.fixture
def visit(opened, sheet):
    return partial(opened, sheet)


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
    return page.locator(".cplib-predict").first


def said(page):
    return part(page).locator("output").text_content()


def figures(page):
    """Whether each of the measured figures can be seen."""
    return [figure.is_visible() for figure in page.locator("figure").all()]


def button(page, words):
    return part(page).get_by_role("button", name=words)


def draw(page, start=20, end=200, steps=2):
    """A stroke over the whole chart, between two heights in pixels."""
    box = part(page).locator(".chart").bounding_box()
    page.mouse.move(box["x"] + 52, box["y"] + start)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 16, box["y"] + end, steps=steps)
    page.mouse.up()


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_what_was_measured_is_closed_until_it_is_asked_for(visit, result, viewport):
    page = visit(viewport)
    assert figures(page) == [False, False, False]
    assert part(page).locator(".measured, .guess").count() == 0
    assert not re.search(r"\d", said(page))
    draw(page)
    button(page, "Show what was measured").click()
    assert figures(page) == [True, True, False]
    pairs = re.findall(r"(\d+\.\d) at (\d+)", said(page).split("Measured")[1])
    assert {int(x): float(y) for y, x in pairs} == {
        x: pytest.approx(y, abs=0.051) for x, y in truth(result).items()
    }
    assert part(page).locator("rect.measured").count() == len(truth(result)) + 1
    button(page, "Hide what was measured").click()
    assert figures(page) == [False, False, False]
    assert part(page).locator(".measured").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_the_axis_does_not_tell_what_came_out():
    """Its ends are the same for all data, but for a mean that lies beyond them."""
    for name in ("1TL", "2R", "timing"):
        drawn = predict.endings(handmade(name, "demo"))
        assert (drawn.low, drawn.high) == (0, 100)
    windows = handmade("1BL", "demo")
    drawn = predict.losses(windows)
    assert (drawn.low, drawn.high) == (-10, 30)
    few = windows.table["value"].where(windows.table["run"] == 0, 0.01)
    worst = dataclasses.replace(windows, table=windows.table.assign(value=few))
    drawn = predict.losses(worst)
    assert drawn.high == np.ceil(max(drawn.mean)) > 30


def test_who_draws_nothing_may_skip(visit):
    page = visit()
    button(page, "Skip this, and show what was measured").click()
    assert figures(page) == [True, True, False]
    assert "off by" not in said(page)


def test_a_stroke_draws_every_point(visit, result):
    page = visit()
    draw(page)  # quicker than the points are apart
    heights = [
        float(y) for y in part(page).locator("circle.guess").evaluate_all(
            "all => all.map(dot => dot.getAttribute('cy'))")
    ]  # fmt: skip
    assert len(heights) == len(truth(result))
    assert heights == sorted(heights) and len(set(heights)) == len(heights)
    assert heights[0] == pytest.approx(20, abs=2)
    assert heights[-1] == pytest.approx(200, abs=2)
    button(page, "Show what was measured").click()
    button(page, "Hide what was measured").click()
    draw(page, 100, 100)  # too late
    last = part(page).locator("circle.guess").nth(len(heights) - 1)
    assert float(last.get_attribute("cy")) == heights[-1]


def test_the_keyboard_does_all(visit, result):
    """A point, a call, the reveal and a new start, in the order of Tab."""
    page = visit()
    part(page).locator("summary").focus()
    page.keyboard.press("Enter")
    sliders = part(page).get_by_role("slider")
    assert sliders.count() == len(truth(result))
    name = sliders.last.get_attribute("aria-label")
    assert "accuracy (%)" in name and name.endswith(str(max(truth(result))))
    assert sliders.last.get_attribute("aria-valuetext") == "not drawn yet"
    sliders.last.focus()
    page.keyboard.press("Home")
    assert sliders.last.get_attribute("aria-valuetext") == "0.0"
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert figures(page) == [True, True, False]
    last = truth(result)[max(truth(result))]
    found = re.search(
        r"off by (\S+) on .* you drew (\S+), measured was (\S+)\. M", said(page)
    )
    assert found[2] == "0.0"
    assert float(found[1]) == float(found[3]) == pytest.approx(last, abs=0.051)
    assert page.evaluate("document.activeElement.textContent").startswith("Hide")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # start again
    assert page.evaluate("document.activeElement.textContent").startswith("Skip")
    assert figures(page) == [False, False, False]
    assert part(page).locator(".measured, .guess").count() == 0
    assert part(page).locator(":checked").count() == 0


def test_a_finger_draws(visit):
    page = visit(PHONE, has_touch=True, is_mobile=True)
    box = part(page).locator(".chart").bounding_box()
    page.touchscreen.tap(box["x"] + 52, box["y"] + 30)
    assert part(page).locator("circle.guess").count() == 1
    assert button(page, "Show what was measured").is_visible()


def test_predictions_are_remembered(visit):
    page = visit()
    draw(page, 30, 150)
    part(page).get_by_label("contradicted").last.check()
    before = (
        part(page)
        .locator("circle.guess")
        .evaluate_all("all => all.map(e => e.outerHTML)")
    )
    anew(page)
    now = (
        part(page)
        .locator("circle.guess")
        .evaluate_all("all => all.map(e => e.outerHTML)")
    )
    assert now == before
    assert figures(page) == [False, False, False]
    assert part(page).get_by_label("contradicted").last.is_checked()
    button(page, "Show what was measured").click()
    anew(page)
    assert figures(page) == [True, True, False] and "off by" in said(page)
    button(page, "Start again").click()
    anew(page)
    assert figures(page) == [False, False, False]
    assert part(page).locator(".guess, :checked").count() == 0


def test_where_nothing_may_be_kept_all_the_rest_works(visit):
    page = visit()
    page.add_init_script(DENIED)
    page.goto(page.url)
    draw(page)
    button(page, "Show what was measured").click()
    assert figures(page) == [True, True, False] and "off by" in said(page)


def test_what_is_kept_of_another_curve_is_not_drawn(visit):
    page = visit()
    draw(page)
    page.evaluate("""() => { const kept = JSON.parse(localStorage["cplib-predictions"]);
      for (const mine of Object.values(kept)) mine.guess.pop();
      localStorage["cplib-predictions"] = JSON.stringify(kept); }""")
    anew(page)
    assert part(page).locator(".guess").count() == 0
    page.evaluate("localStorage['cplib-predictions'] = '[no JSON'")
    anew(page)
    assert button(page, "Skip this").is_visible()


def test_paper_shows_all_and_hides_nothing(visit):
    page = visit()
    draw(page)
    part(page).get_by_label("reproduced").first.check()
    page.emulate_media(media="print")
    assert figures(page) == [True, True, True]
    assert part(page).locator(".chart svg").is_visible()  # a sheet for the pencil
    assert part(page).get_by_role("radio").count() == 6
    for closed in ("button", "output", "circle.guess", "summary"):
        assert not part(page).locator(closed).first.is_visible(), closed
    before = "e => getComputedStyle(e, '::before').content"
    assert page.locator(".cell").nth(1).evaluate(before) == "none"


def test_without_scripts_all_is_open(visit):
    page = visit(java_script_enabled=False)
    assert figures(page) == [True, True, True]
    assert "A sheet of paper does as well" in part(page).inner_text()
    assert part(page).locator("button, input").count() == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_predictions_are_accessible(visit, theme):
    page = visit(color_scheme=theme)
    for _ in range(2):  # closed, then open
        assert not flaws(page)
        button(page, re.compile("what was measured")).click()


@pytest.fixture(scope="module")
def card():
    """One undecided claim and two that are decided, at smoke scale."""
    findings = [
        Finding(registered(name), np.array(values), "demo")
        for name, values in {
            "blur-lasting": [-5.0, -5.1, -4.9], "hump": [-5.0, -5.1, -4.9],
            "mlp-critical": [-5.0, 5.0, 0.0],
        }.items()
    ]  # fmt: skip
    return Scorecard(tuple(findings))


def test_the_card_counts_the_calls(launched, sheet, card, tmp_path):
    """Two of three: kept by one page, counted by another, and forgotten there."""
    row = written(tmp_path, predict.record(card).data)
    with opening(launched) as opened:
        page = opened(row)
        assert "no call on this device" in page.locator("p").first.inner_text()
        page.goto(sheet)
        draw(page)
        part(page).get_by_label("reproduced").first.check()
        part(page).get_by_label("undecided").last.check()  # it is contradicted
        page.get_by_label("undecided").last.check()
        button(page, "Show what was measured").click()
        off = re.search(r"off by (\S+)", said(page))[1]
        anew(page, row)
        told = page.locator(".cplib-record .live").inner_text()
        assert "You called 2 of 3." in told and f"off by {off}" in told
        marks = page.locator("tbody td:last-child").all_inner_texts()
        assert marks == ["\u2713", "\u2717", "\u2713"]
        assert not flaws(page)
        page.get_by_role("button", name="Forget my predictions").click()
        assert "no call on this device" in page.locator("p").first.inner_text()
        anew(page, sheet)
        assert figures(page) == [False, False, False]


def test_an_unknown_claim_is_refused():
    with pytest.raises(InputError, match="Unknown claim 'hop': choose one of"):
        predict.call("hop")


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


def test_a_trace_is_in_per_cent_of_its_greatest():
    tracked = with_traces(handmade("3TL", "demo"))
    drawn = predict.trace(tracked)
    table = tracked.table.query("metric == 'trace' and layer == '' and run == 0")
    mean = table.groupby("epoch")["value"].mean()[list(drawn.x)]
    assert drawn.mean == pytest.approx((100 * mean / mean.max()).tolist())
    assert len(drawn.x) == 8 and (drawn.low, drawn.high) == (0, 100)


def test_outcomes_are_named_in_the_order_of_the_study():
    demo = handmade("demo", "demo", seeds=[3])
    drawn = predict.outcomes(demo)
    assert drawn.x == ("no deficit", "blur", "vertical flip", "noise")
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
    for kind, runs in ((None, (0, 1, 2)), ("blur", (0, 3))):
        drawn = predict.endings(strengths, kind)
        ends = [100 * table[table["run"] == run]["final"].mean() for run in runs]
        assert drawn.mean == pytest.approx(ends)
    assert predict.endings(strengths).xlabel == "blur, factor 2 until epoch t₀"
    spans = [[(Blur(), 0, 1), (Blur(), 2, 3)], (Blur(), 0, 3)]
    again = formula(studies.windows("again", "smoke", "Again", base, spans, 2))
    names = ("no deficit", "blur 0–1, blur 2–3", "blur 0–3")
    assert predict.outcomes(again).x == names
    with pytest.raises(InputError, match="no run with fog.*blur, factor 2 0–1"):
        predict.endings(strengths, "fog")
    turns = [(Blur(), 0, 1), (VerticalFlip(), 1, 2)]
    in_turn = formula(studies.windows("turns", "smoke", "In turn", base, [turns], 2))
    with pytest.raises(InputError, match="one removal: predict.outcomes"):
        predict.endings(in_turn)


def test_points_and_values_go_together():
    with pytest.raises(InputError, match="3 points has 2 measured"):
        Sketch("1TL", (0, 1, 2), (1.0, 2.0), None, "x", "y", 0, 1)
