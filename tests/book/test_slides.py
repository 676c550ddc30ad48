"""The slides: whole, made offline, and worked by keys in Chromium."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest

from cplib import studies
from cplib.analysis import ledger
from cplib.errors import DataError, InputError
from tools.build import slides
from tools.build.book import CODE

TITLE, SLIDES = slides.read()
ADDRESSES = {"src", "href", "srcset", "data", "poster", "action"}


class Page(HTMLParser):
    """Collects the page's tags and their attributes."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def count(self, tag):
        return sum(name == tag for name, _ in self.tags)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Slides at smoke scale, far from stored results: the file and its text."""
    apart = tmp_path_factory.mktemp("slides")
    folders = ("CPLIB_CACHE", "CPLIB_DATA", "CPLIB_RESULTS")
    environment = os.environ | {name: str(apart / name) for name in folders}
    path = apart / "new" / "slides.html"
    command = [
        sys.executable,
        "-m",
        "tools.build.slides",
        *"--scale smoke --seeds 1".split(),
    ]
    command += ["--device", "cpu", "--output", str(path)]
    done = subprocess.run(
        command, cwd=CODE, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return path, path.read_text(encoding="utf-8")


@pytest.fixture
def shown(launched, made):
    """The slides as a file in Chromium; fails on any error or request to elsewhere."""
    problems = []
    context = launched.new_context(
        viewport={"width": 1280, "height": 720}, reduced_motion="reduce"
    )
    page = context.new_page()
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text))
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(made[0].as_uri())
    yield page
    context.close()
    assert not problems
    assert all(url.startswith(("file:", "data:")) for url in asked)


def test_sources_name_what_exists():
    assert TITLE and 12 <= len(SLIDES) <= 20
    assert len({slide.title for slide in SLIDES}) == len(SLIDES)
    for slide in SLIDES:
        assert slide.notes.strip(), slide.title
        assert slide.text or slide.figure, slide.title
        assert set(slide.claims) <= set(ledger.ledger()), slide.title
        if slide.figure:
            assert slide.figure["kind"] in slides.FIGURES, slide.title
            named = slide.figure.get("studies", [])
            named = named.values() if isinstance(named, dict) else named
            named = [named] if isinstance(named, str) else named
            assert set(named) <= set(studies.names()), slide.title


def test_no_number_of_a_run_is_typed():
    """Points, percentages and decimals come from the claims."""
    for slide in SLIDES:
        words = slide.text + slide.notes
        assert not re.search(r"\d+\.\d|\d ?%|\d+ points", words), slide.title


def test_the_timetable_knows_every_slide():
    page = (CODE / "book" / "teaching.md").read_text(encoding="utf-8")
    assert [slide.title for slide in SLIDES if f"*{slide.title}*" not in page] == []


def test_a_result_that_is_not_stored_is_asked_for():
    find = slides.finder("laptop", "1", "cpu")  # the test's folder of results is empty
    with pytest.raises(DataError, match="cplib run 1TL --scale laptop --seeds 1"):
        find("1TL")
    assert slides.NO_RUNS in slides.summary(find)


def test_a_wrong_name_is_refused():
    with pytest.raises(InputError, match="'pie'.*study, together"):
        slides.drawn({"kind": "pie"}, None)
    with pytest.raises(InputError, match="'wish' is not in claims.yml"):
        slides.judged("wish", None)


@pytest.mark.slow
@pytest.mark.notebooks
def test_every_slide_is_whole(made):
    page = Page(made[1])
    assert page.count("section") == page.count("h2") + 1 == len(SLIDES)
    assert page.count("h1") == 1
    assert page.count("details") == len(SLIDES)
    figures = [attributes for tag, attributes in page.tags if tag == "img"]
    figures = [figure for figure in figures if figure["alt"]]  # said once for all parts
    assert len(figures) == sum(slide.figure is not None for slide in SLIDES)
    assert all(len(figure["alt"]) > 40 for figure in figures)
    claims = sum(len(slide.claims) for slide in SLIDES)
    assert made[1].count('class="claim"') == claims
    assert "nan" not in re.findall(r"\b\w+\b", re.sub('base64,[^"]+', "", made[1]))


@pytest.mark.slow
@pytest.mark.notebooks
def test_nothing_is_fetched(made):
    for tag, attributes in Page(made[1]).tags:
        for name in ADDRESSES & set(attributes):
            assert attributes[name].startswith(("data:", "#")), (tag, name)
    assert "url(" not in made[1] and "@import" not in made[1]


@pytest.mark.slow
@pytest.mark.notebooks
@pytest.mark.browser
def test_keys_turn_the_slides(shown):
    place = shown.locator("#place")
    last = len(SLIDES)
    presses = [("ArrowRight", 2), ("PageDown", 3), ("Space", 4), ("ArrowLeft", 3)]
    presses += [("Shift+Space", 2), ("End", last), ("ArrowRight", last), ("Home", 1)]
    for key, number in presses:
        shown.keyboard.press(key)
        shown.wait_for_function(
            "n => document.activeElement.id === 'slide-' + n", arg=number
        )
        assert place.inner_text() == f"{number} / {last}", key
        top = shown.locator(f"#slide-{number}").bounding_box()["y"]
        assert abs(top) <= 2, key


@pytest.mark.slow
@pytest.mark.notebooks
@pytest.mark.browser
@pytest.mark.parametrize("fault", ["delete window.IntersectionObserver", ""])
def test_buttons_are_there_when_they_work(launched, made, fault):
    page = launched.new_page()
    page.add_init_script(fault)
    page.goto(made[0].as_uri())
    assert page.locator("nav").is_visible() == (not fault)
    assert page.get_by_role("heading", level=1).is_visible()
    page.close()


@pytest.mark.slow
@pytest.mark.notebooks
@pytest.mark.browser
def test_notes_open_and_close(shown):
    notes = shown.locator("details[open]")
    assert notes.count() == 0
    shown.keyboard.press("n")
    assert notes.count() == len(SLIDES)
    shown.get_by_role("button", name="Notes").click()
    assert notes.count() == 0


@pytest.mark.slow
@pytest.mark.notebooks
@pytest.mark.browser
def test_slides_fit_window_paper_and_phone(shown):
    heights = shown.locator("section").evaluate_all("all => all.map(e=>e.offsetHeight)")
    assert max(heights) <= 720 + 2, heights
    printed = shown.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == len(SLIDES)
    shown.set_viewport_size({"width": 360, "height": 740})
    assert shown.evaluate("document.scrollingElement.scrollWidth") <= 360
