"""The edition at the foot of every page, with what the page's figures are cited by.

The script of the pages (book/static/page.js) puts the id and the title of a figure into
the BibTeX entry that it finds there. What it says itself is there, too, in the language
of the page.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

from cplib._base.words import translated as _

CHANGELOG = Path(__file__).resolve().parents[2] / "CHANGELOG.md"
HEADING = re.compile(r"^## ((\w+) edition \((.+)\))$", re.M)
COMMIT = re.compile(r'class="measured.*?(commit \w{10}(?:, with edits)?)', re.S)
FIGURE = '<figure id="figure-'
FOOT = re.compile(r'</article>|<footer class="prev-next')


def edition() -> re.Match:
    """The newest edition in the changelog: whole, as a word, and as a version."""
    return HEADING.search(CHANGELOG.read_text(encoding="utf-8"))


def signed(text: str, name: str, config: Any) -> str:
    """`text` of the page `name` with a line on the edition at its foot."""
    data = f' data-words="{html.escape(json.dumps(spoken()))}"'
    if FIGURE in text:
        data += f' data-bibtex="{html.escape(bibtex(text, name, config))}"'
    line = f'<p class="edition"{data}>{edition()[1]}.</p>\n'
    return FOOT.sub(lambda foot: line + foot[0], text, count=1)


def spoken() -> dict[str, str]:
    """What the script of the pages says."""
    return {
        "link": _("Link to this figure"),
        "cite": _("Cite"),
        "title": _("Cite this figure"),
        "copy": _("Copy"),
        "copied": _("Copied."),
        "mark": _("Marked: copy it with the keyboard or the menu."),
        "astray": _(
            "The link asks for “{asked}”, which is not on this page in this edition."
        ),
    }


def bibtex(text: str, name: str, config: Any) -> str:
    """The entry of a figure on this page, but for its %ID% and its %TITLE%."""
    _, ordinal, version = edition().groups()
    commit = COMMIT.search(text)
    fields = {
        "author": f"{{{config.author}}}",
        "title": "{%TITLE%}",
        "booktitle": config.html_title,
        "edition": ordinal,
        "year": config.copyright,
        "note": "; ".join([f"Version {version}", *(commit.groups() if commit else ())]),
    }
    if config.html_baseurl:
        fields["url"] = f"{config.html_baseurl.rstrip('/')}/{name}.html#%ID%"
    lines = "".join(f",\n  {field} = {{{value}}}" for field, value in fields.items())
    return f"@incollection{{{Path(name).name}-%ID%{lines}\n}}"
