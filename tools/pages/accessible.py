"""Fix accessibility defects in the theme's HTML, and scripts that need storage."""

from __future__ import annotations

import itertools
import re

from cplib._base.words import translated as _

# With strict privacy, and in sandboxed frames, browsers refuse the storage in which the
# theme keeps the choice of colours, and its scripts stop: give them storage in memory.
STORES = """<script>
    for (const name of ["localStorage", "sessionStorage"]) try {
      window[name].removeItem("");
    } catch {
      const kept = new Map();
      Object.defineProperty(window, name, { value: {
        getItem: (key) => kept.has(key) ? kept.get(key) : null,
        setItem: (key, value) => { kept.set(key, String(value)); },
        removeItem: (key) => { kept.delete(key); },
      } });
    }
  </script>
  """
# (what the built pages have, what they should have)
REPAIRS = (
    # The name of a control must contain its visible words.
    (re.compile(r'<summary aria-label="Toggle hidden content">'), "<summary>"),
    (
        re.compile(
            r'(<button class="btn search-button-field[^>]*?) aria-label="[^"]*"'
        ),
        r"\1",
    ),
    (
        re.compile(r'<span class="search-button__kbd-shortcut">'),
        '<span class="search-button__kbd-shortcut" aria-hidden="true">',
    ),
    # This role is deprecated and not allowed in lists.
    (re.compile(r'role="doc-biblioentry"'), 'role="listitem"'),
    # Icons repeat the text beside them.
    (
        re.compile(r'<(i|span) class="(?=fa[srb]? |fa-solid )'),
        r'<\1 aria-hidden="true" class="',
    ),
    # The reader's system colours from the first paint; light without scripts.
    (re.compile(r'(<html [^>]*data-theme=)"auto"'), r'\1"light"'),
    (
        re.compile(r'(dataset\.theme = localStorage\.getItem\("theme"\) \|\|) "auto"'),
        r'\1 (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")',
    ),
    (
        re.compile(r'(?=<script data-cfasync="false">\s*document\.documentElement)'),
        STORES,
    ),
    # A full stop never begins a line, not even after a formula.
    (
        re.compile(r'<span class="math">(?:(?!</span>).)*</span>[.,;:?!)]+', re.S),
        r'<span class="together">\g<0></span>',
    ),
    # A place for advertisements.
    (re.compile(r'<div id="ethical-ad-placement"[^>]*>\s*</div>'), ""),
)
# a table whose rows become blocks on a phone, its cells with the names of their columns
BLOCKS = re.compile(r'<div class="blocks[^"]*">.*?</table>', re.S)
HEAD, CELL = re.compile(r"<th[^>]*><p>(.*?)</p></th>"), re.compile(r"(<td[^>]*><p)>")
REDIRECT = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="0; url={target}">
<link rel="icon" href="{icon}">
<title>{title}</title>
</head>
<body><main><h1>{title}</h1><p><a href="{target}">{words}</a></p></main></body>
</html>
"""


def repair(text: str) -> str:
    """The page `text` with all `REPAIRS`."""
    for pattern, better in REPAIRS:
        text = pattern.sub(better, text)
    return BLOCKS.sub(_headed, text)


def _headed(table: re.Match) -> str:
    heads = itertools.cycle(HEAD.findall(table[0]))
    return CELL.sub(lambda cell: f'{cell[1]} data-head="{next(heads)}">', table[0])


def redirect_html(target: str, title: str, icon: str = "data:,") -> str:
    """A page that redirects to `target`; this and `icon` are relative addresses."""
    words = _("Open the book")
    return REDIRECT.format(target=target, title=title, icon=icon, words=words)
