"""The front page's picture, slider and sentence as a reader meets them."""

import re

import pytest
from alone import DESKTOP, PHONE, written
from handmade import handmade, numbers

from cplib.errors import InputError
from cplib.widgets import front_page

ROUNDING = 0.0501  # one decimal is shown
VIEWS = pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def result():
    return handmade("1TL", "laptop")


@pytest.fixture(scope="module")
def sheet(result, tmp_path_factory):
    return written(tmp_path_factory.mktemp("sheet"), front_page(result)._repr_html_())


def percents(text):
    return [float(number) for number in re.findall(r"(\d+\.\d)\s%", text)]


def expected(result, removal):
    truth = numbers(result, "blur", 0, removal)
    means = [truth[name][0] for name in ("final", "baseline", "control")]
    return pytest.approx(means, abs=ROUNDING)


def removals(result):
    return [run.removal for run in result.study.runs[1:]]


def seen(page):
    """Widths in pixels of the blurred part of the strip and of the sharp one."""
    parts = page.locator(".chart svg svg").evaluate_all(
        """all => all.map((e) =>
          [e.querySelector("image").getAttribute("href"), e.width.baseVal.value])"""
    )
    widths = dict(parts)
    assert len(widths) == len(parts)
    return list(widths.values())


@VIEWS
def test_the_slider_tells_of_every_network(opened, sheet, result, viewport):
    page = opened(sheet, viewport)
    slider, said = page.get_by_role("slider"), page.locator("output")
    slider.focus()
    for removal in removals(result)[::-1]:
        assert slider.get_attribute("aria-valuetext") == f"epoch {removal}"
        assert f"until epoch {removal}," in said.text_content()
        assert percents(said.text_content()) == expected(result, removal)
        page.keyboard.press("ArrowLeft")
    assert slider.get_attribute("aria-valuetext") == "birth: no blur"
    truth = numbers(result, "blur", 0, removals(result)[0])["baseline"][0]
    told = percents(said.text_content())
    assert told == pytest.approx([truth], abs=ROUNDING)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_the_strip_turns_sharp_when_blur_ends(opened, sheet, result):
    page = opened(sheet)
    slider, clean = page.get_by_role("slider"), result.study.clean_epochs
    for place, removal in enumerate(removals(result), start=1):
        slider.fill(str(place))
        blurred, sharp = seen(page)
        assert blurred / sharp == pytest.approx(removal / clean, rel=0.01)
    slider.fill("0")
    assert len(seen(page)) == 1


@VIEWS
def test_the_picture_is_dragged(opened, sheet, result, viewport):
    page = opened(sheet, viewport)
    box = page.locator(".chart .handle").bounding_box()
    page.mouse.move(box["x"] + 4, box["y"] + 4)
    page.mouse.down()
    page.mouse.move(0, box["y"])
    assert "Never blurred" in page.locator("output").text_content()
    page.mouse.move(viewport["width"], box["y"])
    page.mouse.up()
    last = f"until epoch {removals(result)[-1]},"
    assert last in page.locator("output").text_content()


def test_without_scripts_figure_sentence_and_table_stay(opened, sheet, result):
    page = opened(sheet, java_script_enabled=False)
    assert page.locator("figure img").first.is_visible()
    assert page.locator("input").count() == 0
    told = page.locator("[data-static] p").last.text_content()
    assert percents(told) == expected(result, removals(result)[-1])
    page.get_by_text("The data behind this figure").click()
    assert page.locator("table").is_visible()


def test_a_study_without_blur_has_no_front_page():
    with pytest.raises(InputError, match="2L.*blur"):
        front_page(handmade("2L"))
