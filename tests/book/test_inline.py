"""Figures in the page: its ground, its ink, its font."""

import re

import pytest
from handmade import handmade

from cplib import figures
from tools.pages.inline import inlined


@pytest.fixture(scope="module")
def page():
    panel = figures.draw(handmade("1TL"))
    return inlined(panel._repr_html_() * 2), panel


def test_images_become_elements_with_their_words(page):
    text, panel = page
    assert "<img" not in text
    assert text.count("<svg") == 4 == text.count("</svg>")
    assert text.count('role="img"') == 2 and text.count("aria-hidden") >= 2
    assert panel.alt.replace('"', "&quot;") in text


def test_no_id_is_there_twice_and_all_that_are_used_are_there(page):
    ids = re.findall(r' id="([^"]*)"', page[0])
    assert len(ids) == len(set(ids)) > 0
    assert set(re.findall(r'(?:url\(#|href="#)([^")]*)', page[0])) <= set(ids)


def test_ink_and_ground_follow_the_page(page):
    text, _ = page
    assert "fill: #262626; fill: currentColor" in text
    assert not re.search(r"(fill|stroke): #(262626|ffffff)(?!; \1: )", text)
    assert "font-family" not in text and "<style" not in text


def test_an_image_that_a_script_replaces_stays_one():
    text = '<img data-static src="data:image/svg+xml;base64,AAAA" alt="a">'
    assert inlined(text) == text
