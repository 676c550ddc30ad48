"""Mend what the theme does badly: for screen readers, and where nothing is stored."""

from __future__ import annotations

import re

# Strict privacy and sandboxed frames refuse the stores in which the theme keeps the
# choice of colours, and its scripts stop there: they get stores that die with the page.
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
# (what the built pages hold, what they should hold)
REPAIRS = (
    # The name of a control must contain the words that one sees on it.
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
    # This role is deprecated, and no list may hold it.
    (re.compile(r'role="doc-biblioentry"'), 'role="listitem"'),
    # Icons say nothing that the text beside them does not.
    (
        re.compile(r'<(i|span) class="(?=fa[srb]? |fa-solid )'),
        r'<\1 aria-hidden="true" class="',
    ),
    # The colours of the reader's system from the first paint on; light without scripts.
    (re.compile(r'(<html [^>]*data-theme=)"auto"'), r'\1"light"'),
    (
        re.compile(r'(dataset\.theme = localStorage\.getItem\("theme"\) \|\|) "auto"'),
        r'\1 (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")',
    ),
    (
        re.compile(r'(?=<script data-cfasync="false">\s*document\.documentElement)'),
        STORES,
    ),
    # A place for advertisements; we have none.
    (re.compile(r'<div id="ethical-ad-placement"[^>]*>\s*</div>'), ""),
)
REDIRECT = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="0; url={target}">
<link rel="icon" href="{icon}">
<title>{title}</title>
</head>
<body><main><h1>{title}</h1><p><a href="{target}">Open the book</a></p></main></body>
</html>
"""


def repair(text: str) -> str:
    """The page `text`, mended."""
    for pattern, better in REPAIRS:
        text = pattern.sub(better, text)
    return text


def redirect_html(target: str, title: str, icon: str = "data:,") -> str:
    """A page that leads to `target`, a relative address; `icon` is one as well."""
    return REDIRECT.format(target=target, title=title, icon=icon)
