"""Inline the figures of notebooks in the page, in its font and colours.

In a notebook they are images on white. Here their background is the page's, their ink
is the text's, and mixtures with ink (`cplib.figures.palette`) follow it.
"""

from __future__ import annotations

import base64
import itertools
import re

from cplib.figures.palette import page_colours
from tools.pages.lighten import minified

# not those that a script replaces: they stay files, which are loaded when needed
IMAGE = re.compile(
    r'<img src="data:image/svg\+xml;base64,([A-Za-z0-9+/=\s]+)" alt="([^"]*)"[^>]*>'
)
STARTED = re.compile(r"^.*?<svg[^>]*>", re.S)
SIZE = re.compile(r'width="([\d.]+)pt" height="([\d.]+)pt"')
DROPPED = re.compile(r"<style[^>]*>.*?</style>|<defs></defs>|font-family:[^;]*; ")
COLOUR = re.compile(r"\b(fill|stroke): (#[0-9a-f]{6})")
NAMED, USED = re.compile(r' id="([^"]*)"'), re.compile(r'(url\(#|href="#)([^")]*)')

# markers of one line, whose style is written once
ALIKE = re.compile(
    r"<g([^>]*)>(<defs>(?:(?!<use ).)*?</defs>)?"
    r'((?:<use [^>]*?( style="[^"]*")/>)(?:<use [^>]*?\4/>)*)</g>'
)


def inlined(text: str) -> str:
    """`text` of a page with its SVG images as elements of their own."""
    numbers, colours = itertools.count(), page_colours()

    def drawn(image: re.Match) -> str:
        picture = base64.b64decode(image[1]).decode("utf-8")
        return _element(picture, image[2], f"f{next(numbers)}-", colours)

    return IMAGE.sub(drawn, text)


def _element(picture: str, alt: str, prefix: str, colours: dict[str, str]) -> str:
    """The SVG `picture` as an HTML element; its ids begin with `prefix`."""
    used = {name for _, name in USED.findall(picture)}
    width, height = SIZE.search(picture).groups()

    def named(found: re.Match) -> str:
        return f' id="{prefix}{found[1]}"' if found[1] in used else ""

    def coloured(found: re.Match) -> str:
        css = colours.get(found[2])
        # a browser that cannot mix colours keeps the first
        return found[0] + f"; {found[1]}: {css}" if css else found[0]

    inside = DROPPED.sub("", minified(STARTED.sub("", picture)))
    inside = ALIKE.sub(_hoisted, NAMED.sub(named, inside))
    inside = USED.sub(rf"\1{prefix}\2", inside)
    words = f'role="img" aria-label="{alt}"' if alt else 'aria-hidden="true"'
    return f'<svg {words} viewBox="0 0 {width} {height}">{COLOUR.sub(coloured, inside)}'


def _hoisted(marks: re.Match) -> str:
    around, definition, inside, look = marks.groups(default="")
    return f"<g{around}{look}>{definition}{inside.replace(look, '')}</g>"
