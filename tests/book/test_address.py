"""A state in the page's address: written as the reader moves, opened by another."""

import pytest
from alone import written
from handmade import GRID, handmade

from cplib.widgets import explore, front_page

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
    part = page.locator(".cplib-timing").nth(0)
    part.get_by_label("Deficit", exact=True).select_option(label="noise")
    part.get_by_label("Removal", exact=True).press("ArrowLeft")
    part.get_by_label("Epoch", exact=True).press("Home")
    part.get_by_label("Epoch", exact=True).press("ArrowRight")
    part.get_by_label("Compare with no deficit:").select_option(index=1)
    assert page.url.endswith("#timing-demo=noise/0/15/1/control"), page.url
    other = opened(page.url)
    assert state(other.locator(".cplib-timing").nth(0)) == state(part)
    for k, kind in ((0, "glimpse"), (1, "timing")):  # the others are as they were
        there, here = (p.locator(f".cplib-{kind}").nth(k) for p in (other, page))
        assert state(there) == state(here)


def test_the_front_page_opens_at_the_removal(opened, sheet):
    page = opened(f"{sheet}#blur-until=20")
    assert page.locator(".cplib-glimpse .value").text_content() == "epoch 20"
    page.get_by_label("Blur ends at").press("ArrowLeft")
    assert "#blur-until=" in page.url and not page.url.endswith("=20")
    page.evaluate("location.hash = 'blur-until=20'")
    page.locator(".cplib-glimpse .value", has_text="epoch 20").wait_for()


@pytest.mark.parametrize(
    "link",
    ["grey/0/15/1/control", "blur/1/15/1/control", "blur/0/15/x/control",
     "blur/0/15/1/else", "blur"],
)  # fmt: skip
def test_a_link_to_what_is_not_there_says_so(opened, sheet, link):
    page = opened(f"{sheet}#timing-demo={link}")
    part, untouched = page.locator(".cplib-timing").nth(0), opened(sheet)
    assert "not in this edition" in part.get_by_role("status").last.text_content()
    assert state(part) == state(untouched.locator(".cplib-timing").nth(0))


def test_the_link_is_copied(opened, sheet):
    page = opened(sheet, permissions=["clipboard-read", "clipboard-write"])
    part = page.locator(".cplib-timing").nth(1)
    part.get_by_role("button", name="Copy link").press("Enter")
    part.get_by_text("Copied.").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"{sheet}#timing-laptop=blur/")


def test_a_notebook_keeps_its_address(opened, parts, tmp_path):
    page = opened(written(tmp_path, parts[1]))
    page.get_by_label("Removal", exact=True).press("ArrowLeft")
    assert "#" not in page.url
    assert not page.get_by_role("button", name="Copy link").count()
