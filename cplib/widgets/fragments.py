"""Self-contained HTML fragments with inlined CSS, data and JavaScript."""

import json
import re
from importlib import resources

from .._base.words import translated as _

UNREAD = re.compile(r"/\*.*?\*/|^ *//[^\n]*\n|(?<=[;,{]) // [^\n`]*$|^ +", re.M | re.S)

SAID = re.compile(r"(?<=\b_`)[^`]*(?=`)")  # words in scripts: _`epoch ${epoch}`
SILENT = _(
    "Here you could {missing}, but the script for it does not run: scripts are off, "
    "blocked by this site, or too new for this browser."
)


def standalone(
    name: str, data: dict, inside: str, missing: str, words: str, before: tuple = ()
) -> str:
    """A `div` of class `cplib-NAME` with static/NAME.css, static/NAME.js and `data`.

    The script finds all such parts of the page, reads the JSON in each, and starts
    those that are not started yet. There are no ids, so that any number can share a
    page, and nothing is loaded, so that it works from a file and without a network.

    Args:
        name: of the part; a folder before it is not in the class.
        data: what the script needs, as plain values.
        inside: HTML that is there with and without scripts, but for elements with the
            attribute `data-static`, which a script hides once it has started.
        missing: what the reader could do here if the script ran.
        words: HTML that says more where it does not run.
        before: names of the scripts that static/NAME.js needs beside draw.js.
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    text = text.replace("</", r"<\/")  # or it could close the script
    source = "".join(map(script, ("draw", *before, name)))
    short = name.rpartition("/")[2]
    return (
        f'<div class="cplib-{short}">{styled(name)}{inside}'
        f"<div data-static><p>{SILENT.format(missing=missing)}</p>{words}</div>"
        f'<script type="application/json">{text}'
        f'</script><script>(() => {{\n"use strict";\n{source}}})();</script></div>'
    )


def replaceable(figure: str) -> str:
    """The HTML of a figure whose images a script hides: they are not even loaded."""
    return figure.replace("<img ", '<img data-static loading="lazy" ')


def script(name: str) -> str:
    """static/NAME.js without its comments and indentation, its words translated."""
    return SAID.sub(lambda said: _(said[0]), UNREAD.sub("", _file(f"{name}.js")))


def styled(name: str) -> str:
    """The style sheet static/NAME.css as an element of a page."""
    return f"<style>{_file(f'{name}.css')}</style>"


def _file(name: str) -> str:
    return (resources.files(__package__) / "static" / name).read_text("utf-8")
