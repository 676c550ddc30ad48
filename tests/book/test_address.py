"""A state in the page's address: written as the reader moves, opened by another."""

import pytest
from alone import anew, written
from handmade import GRID, handmade

from cplib.widgets import explore, front_page, predict

pytestmark = pytest.mark.browser
BOOK = "<script>document.documentElement.dataset.content_root = './'</script>"


@pytest.fixture(scope="module")
def parts():
    """Three parts of one page."""
    return (
        front_page(handmade("1TL", "laptop"))._repr_html_(),
        explore(handmade("timing", "demo", grid=GRID), removal=20).html,
        explore(handmade("timing", "laptop", grid=GRID)).html,
    )


@pytest.fixture(scope="module")
def sheet(parts, tmp_path_factory):
    return written(tmp_path_factory.mktemp("sheet"), BOOK + "".join(parts))


def state(part):
    """What a part of the page says."""
    return part.locator("output").all_text_contents()


def test_a_link_opens_in_another_profile(opened, sheet):
    page = opened(sheet)
    assert "#" not in page.url  # nothing was moved
    part = page.locator(".cplib-explorer").nth(0)
    part.get_by_label("Deficit", exact=True).select_option(label="noise")
    part.get_by_label("Removal", exact=True).press("ArrowLeft")
    part.get_by_label("Epoch", exact=True).press("Home")
    part.get_by_label("Epoch", exact=True).press("ArrowRight")
    part.get_by_label("Compare with no deficit:").select_option(index=1)
    assert page.url.endswith("#timing-demo=noise/0/15/1/control"), page.url
    other = opened(page.url)
    assert state(other.locator(".cplib-explorer").nth(0)) == state(part)
    for k, kind in ((0, "front-page"), (1, "explorer")):  # the others are as they were
        there, here = (p.locator(f".cplib-{kind}").nth(k) for p in (other, page))
        assert state(there) == state(here)


def test_the_front_page_opens_at_the_removal(opened, sheet):
    page = opened(f"{sheet}#blur-until=20")
    assert page.locator(".cplib-front-page .value").text_content() == "epoch 20"
    page.get_by_label("Blur ends at").press("ArrowLeft")
    assert "#blur-until=" in page.url and not page.url.endswith("=20")
    page.evaluate("location.hash = 'blur-until=20'")
    page.locator(".cplib-front-page .value", has_text="epoch 20").wait_for()


@pytest.mark.parametrize(
    "link",
    ["grey/0/15/1/control", "blur/1/15/1/control", "blur/0/15/x/control",
     "blur/0/15/1/else", "blur", "%E0%A4/0/15/1/control"],
)  # fmt: skip
def test_a_link_to_what_is_not_there_says_so(opened, sheet, link):
    page = opened(f"{sheet}#timing-demo={link}")
    part, untouched = page.locator(".cplib-explorer").nth(0), opened(sheet)
    assert "not in this edition" in part.get_by_role("status").last.text_content()
    assert state(part) == state(untouched.locator(".cplib-explorer").nth(0))


def test_the_link_is_copied(opened, sheet):
    page = opened(sheet, permissions=["clipboard-read", "clipboard-write"])
    part = page.locator(".cplib-explorer").nth(1)
    part.get_by_role("button", name="Copy link").press("Enter")
    part.get_by_text("Copied.").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"{sheet}#timing-laptop=blur/")


def test_a_notebook_keeps_its_address(opened, parts, tmp_path):
    page = opened(written(tmp_path, parts[1]))
    page.get_by_label("Removal", exact=True).press("ArrowLeft")
    assert "#" not in page.url
    assert not page.get_by_role("button", name="Copy link").count()


@pytest.fixture(scope="module")
def sketch():
    return predict.endings(handmade("1TL", "laptop"))


@pytest.fixture(scope="module")
def asked(sketch, tmp_path_factory):
    """A page of the book with a sketch and a call."""
    body = predict.call("blur-lasting", sketch=sketch).data
    return written(tmp_path_factory.mktemp("asked"), BOOK + body)


def heights(page, kind):
    """Of the dots of a curve, in pixels of its drawing."""
    dots = page.locator(f"svg > circle.{kind}")  # not those of the legend
    found = dots.evaluate_all("all => all.map(dot => dot.getAttribute('cy'))")
    return [float(height) for height in found]


def predicted(opened, asked, **options):
    """A page on which the last two points and the claim are predicted by keyboard."""
    page = opened(asked, **options)
    page.locator("summary").press("Enter")
    page.get_by_role("slider").last.press("Home")
    page.get_by_role("slider").nth(-2).press("PageUp")
    page.get_by_label("contradicted").press("Space")
    return page


def test_a_prediction_opens_beside_ones_own(opened, asked, sketch):
    page = predicted(opened, asked)
    *_, last = sketch.x
    assert f"/{last}~0.0/" in page.url and page.url.endswith(
        "blur-lasting~contradicted"
    )
    other = opened(page.url)
    other.locator("svg > circle.guest").first.wait_for()
    assert heights(other, "guest") == pytest.approx(heights(page, "guess"), abs=0.1)
    assert len(heights(other, "guest")) == 2
    told = other.get_by_role("status").last.text_content()
    assert f"{last}: 0.0, blur-lasting: contradicted." in told
    assert not other.locator(".measured, circle.guess, :checked").count()
    assert other.evaluate("localStorage.length") == 0  # nothing is kept, or counted
    other.locator("summary").press("Enter")
    other.get_by_role("slider").first.press("End")
    assert len(heights(other, "guest")) == 2 and len(heights(other, "guess")) == 1
    other.get_by_role("button", name="Show what").click()
    assert len(heights(other, "guest")) == 2 and other.locator(".measured").count()


def test_ones_own_prediction_is_not_drawn_twice(opened, asked):
    page = predicted(opened, asked)
    anew(page)
    assert len(heights(page, "guess")) == 2 and not heights(page, "guest")


def test_a_prediction_is_copied(opened, asked):
    page = predicted(opened, asked, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").press("Enter")
    page.get_by_text("Copied.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    assert "#predict-1TL-laptop=" in page.url


@pytest.mark.parametrize(
    "link",
    ["3~40", "0~101", "0~x", "0~", "0", "hump~reproduced", "blur-lasting~perhaps"],
)
def test_a_prediction_that_does_not_fit_says_so(opened, asked, link):
    page = opened(f"{asked}#predict-1TL-laptop=0~40/{link}")
    told = page.get_by_role("status").last.text_content()
    assert told == f" The link asks for {link.replace('~', ': ')}, " \
        "which is not in this edition."  # fmt: skip
    assert not page.locator("circle.guest").count()
