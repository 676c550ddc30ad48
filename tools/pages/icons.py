"""Reduce the theme's icons to those in use.

The theme has all 2,000 icons of Font Awesome, as a script of 1.5 MB and again as fonts
with a CSS rule each. The book uses some twenty: the script is dropped (lighten.py), and
fonts and rules are reduced to the icons that pages name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

FONTS = "vendor/fontawesome/webfonts"
STYLES = "styles/pydata-sphinx-theme.css"
RULE = re.compile(r'(?P<names>(?:\.fa-[\w-]+:before,?)+)\{content:"(?P<icon>[^"]*)"\}')
NAME = re.compile(r"fa-([a-z0-9-]+)")
# icons in a style sheet, as an escape or as the character itself
ESCAPED = re.compile(r"\\([ef][0-9a-f]{3})\b")
PRIVATE = range(0xE000, 0xF900)
SOURCE = re.compile(r"src:url\(([^)]*?)\.woff2\)[^;}]*")


def keep_used(static: Path, users: Iterable[str]) -> None:
    """Reduce fonts and styles in the folder `static`.

    Args:
        static: `_static` of the built book.
        users: text of all pages and scripts that may name an icon.
    """
    used = {name for text in users for name in NAME.findall(text)}
    path = static / STYLES
    styles = RULE.sub(lambda rule: _kept(rule, used), path.read_text(encoding="utf-8"))
    path.write_text(SOURCE.sub(r'src:url(\1.woff) format("woff")', styles), "utf-8")
    points = set()
    for sheet in static.rglob("*.css"):
        points |= _icons(sheet.read_text(encoding="utf-8"))
    for font in (static / FONTS).glob("*.ttf"):
        _subset(font, points)
        font.unlink()
        font.with_suffix(".woff2").unlink()


def _kept(rule: re.Match, used: set[str]) -> str:
    return rule[0] if used.intersection(NAME.findall(rule["names"])) else ""


def _icons(styles: str) -> set[int]:
    escaped = {int(code, 16) for code in ESCAPED.findall(styles)}
    return escaped | {
        ord(character) for character in styles if ord(character) in PRIVATE
    }


def _subset(source: Path, points: set[int]) -> None:
    """Write the characters `points` of the font `source` as WOFF beside it."""
    font = TTFont(source, recalcTimestamp=False)  # same icons, same file
    subsetter = Subsetter(Options(hinting=False))
    subsetter.populate(unicodes=points)
    subsetter.subset(font)
    font.flavor = "woff"  # WOFF2 would need a compressor beyond the standard library
    font.save(source.with_suffix(".woff"))
