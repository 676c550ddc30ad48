"""One colour for one thing, readable on a white page and on a dark one."""

import itertools
from pathlib import Path

import matplotlib as mpl
import pytest
from handmade import handmade

from cplib import figures, studies
from cplib.deficits import CONTROLS, KINDS, SPARE
from cplib.figures import palette

GROUNDS = {"light": "#ffffff", "dark": "#14181e"}  # of the theme
TEXT = {"light": "#222832", "dark": "#ced6dd"}
DEFICITS = {kind.label: kind.look for kind in {**KINDS, **CONTROLS}.values()}
SERIES = {f"series {i}": look for i, look in enumerate(palette.SERIES)}
OTHERS = {"animals": palette.ANIMAL, "lost": palette.LOST, "gained": palette.GAINED}
COLOURS = {name: look.colour for name, look in (DEFICITS | SERIES).items()} | OTHERS


def luminance(colour):
    """Relative luminance of WCAG 2."""
    parts = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in mpl.colors.to_rgb(colour)
    ]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one, other):
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def mixed(colour, part, ink):
    pairs = zip(*map(mpl.colors.to_rgb, (colour, ink)), strict=True)
    return [part * c + (1 - part) * i for c, i in pairs]


@pytest.mark.parametrize("theme", GROUNDS)
def test_every_colour_stands_out_on_both_pages(theme):
    spare = {f"spare {i}": look.colour for i, look in enumerate(SPARE)}
    for name, colour in (COLOURS | spare).items():
        assert contrast(colour, GROUNDS[theme]) >= 3, name


@pytest.mark.parametrize("theme", GROUNDS)
def test_ramps_end_nearer_to_the_ink_and_stand_out(theme):
    css = palette.page_colours()
    for name, look in (DEFICITS | SERIES).items():
        seen = []
        for colour in palette.ramp(look.colour, 5)[1:]:
            assert colour in css, name  # else it would not follow the page
            percent = int(css[colour].split("%")[0].split()[-1])
            shown = mixed(look.colour, percent / 100, TEXT[theme])
            seen.append(contrast(shown, GROUNDS[theme]))
        assert min(seen) >= 3, name
        assert sorted(seen) == seen, name


@pytest.mark.parametrize("theme", GROUNDS)
def test_words_on_the_deepest_cell_are_readable(theme):
    for colour in (palette.LOST, palette.GAINED):
        cell = mixed(colour, palette.DEEPEST, GROUNDS[theme])
        assert contrast(cell, TEXT[theme]) >= 4.5


def test_no_two_things_share_a_colour():
    for (one, first), (other, second) in itertools.combinations(COLOURS.items(), 2):
        assert first != second, (one, other)


def test_networks_are_not_in_the_colours_of_deficits():
    names = ("1TL", "3TL", "3TR", "3BL", "3BR1", "3BR2", "3BR3")
    own = palette.networks(studies.get(name, "laptop") for name in names)
    assert len({look.colour for look in own}) == len(names)
    assert not {look.colour for look in own} & {
        look.colour for look in DEFICITS.values()
    }


def test_removals_are_a_ramp_of_their_deficits_colour():
    _, *own = palette.looks(studies.get("1TL", "laptop").runs)
    assert [look.colour for look in own] == palette.ramp(own[0].colour, len(own))
    assert own[0].colour == DEFICITS["blur"].colour


def test_figures_compared_have_one_range():
    panel = figures.together({n: handmade(n) for n in ("1TL", "2L", "2R")})
    assert len({axes.get_ylim() for axes in panel.figure.axes}) == 1


def test_no_source_draws_in_a_colour_of_its_own():
    """A colour that is written out would not follow the page."""
    room = Path(figures.__file__).parent
    for source in room.glob("*.py"):
        if source.name != "palette.py":
            text = source.read_text("utf-8")
            assert 'color="black"' not in text and 'color="white"' not in text, source
