"""Collect the messages of the translated pages, and update their catalogues.

    python -m tools.maintain.messages          # all catalogues in book/locale
    python -m tools.maintain.messages fr       # a new one, if there is none yet

A message is what a translator sees at once: a line of text, a sentence of cplib with
{places}, words of a script with ${places}. A message that has changed keeps its old
translation, marked as fuzzy, until somebody has looked at it; until then the page shows
the English.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import yaml
from babel.messages import Catalog
from babel.messages.pofile import read_po, write_po

from cplib._base import console
from cplib.analysis.biology import HOW_DRAWN
from cplib.analysis.ledger import VERDICTS
from cplib.figures.animals import SHADE
from cplib.figures.unseen import CLASSES
from cplib.widgets import fragments
from tools.build import languages
from tools.build.execute import CODE

LOCALE = CODE / "book" / "locale"
HEAD = "# One word for one thing; numbers keep their decimal point. Our words:"
# entries of words.toml, and scripts, that the pages use
FIGURES = (
    "kitten_acuity kitten_sensitivity course sweep worth described time_left state "
    "confusions unseen unseen_gratings together"
)
SCRIPTS = (
    "draw front-page predict explorer lab/state lab/nursery lab/scene lab/laboratory"
)
# words that cplib puts together, or names a column with
WORDS = (
    *VERDICTS, "supported", "undecided (leans for)", "undecided (leans against)",
    "points", "factor", "sweep",
    "against the baseline", "against the control", *SHADE, *HOW_DRAWN.values(),
    "onset", "removal", "run", "line", "network", "from epoch", "until epoch", "sees",
    "epoch", "in words", "epochs spent", "points gained", "low", "high", "mean",
    "schedule", "% left", "final (%)", "final ±", "baseline (%)", "control (%)",
    "change from baseline (points)", "change from baseline ±",
    "change from control (points)", "change from control ±", "measure", "statement",
    "age_days", "condition", "note", "source", *CLASSES, "true", "named", "images",
    "image",
)  # fmt: skip


def messages() -> dict[str, str]:
    """Every message, with the place where it is found first."""
    found: dict[str, str] = {}
    for place, words in _everything():
        if re.search("[A-Za-z]", words):
            found.setdefault(words, place)
    return found


def _everything() -> Iterator[tuple[str, str]]:
    code = ""
    for page in languages.PAGES:
        notebook = nbformat.read(CODE / f"{page}.ipynb", as_version=4)
        code += "".join(cell.source for cell in notebook.cells)
        yield from _asked(page, lambda say, book=notebook: languages.said(book, say))
    yield from _asked("_config.yml", lambda say: languages.settings(CODE, "", say))
    yield from _claims(code)
    texts = tomllib.loads((CODE / "cplib/figures/words.toml").read_text("utf-8"))
    for name in FIGURES.split():
        yield from (("words.toml", words) for words in texts[name].values())
    for path in [*CODE.glob("cplib/**/*.py"), *CODE.glob("tools/**/*.py")]:
        tree = ast.parse(path.read_text("utf-8"))
        yield from ((path.stem, message) for message in _calls(tree))
    for name in SCRIPTS.split():
        source = (CODE / f"cplib/widgets/static/{name}.js").read_text("utf-8")
        words = fragments.SAID.findall(fragments.UNREAD.sub("", source))
        yield from ((name, message) for message in words)
    yield from (("cplib", words) for words in WORDS)


def _asked(place: str, ask: Callable[[languages.Say], object]) -> Iterator[tuple]:
    """What `ask` wants to have translated."""
    words: list[str] = []
    ask(lambda message: words.append(message) or message)
    return ((place, message) for message in words)


def _claims(code: str) -> Iterator[tuple[str, str]]:
    """What the book says of the claims that are named in `code`."""
    claims, says = (
        yaml.safe_load((CODE / f"book/{name}.yml").read_text("utf-8"))
        for name in ("claims", "outcomes")
    )
    for claim in claims:
        if f'"{claim["id"]}"' in code:
            said = claim["claim"], claim["measured"], *says[claim["id"]].values()
            yield from (("claims", words) for words in said)


def _calls(tree: ast.AST) -> Iterator[str]:
    """The first argument of every call `_("...")`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_":
            if isinstance(node.args[0], ast.Constant):
                yield node.args[0].value


def catalogue(path: Path) -> Catalog:
    """The catalogue in `path`, or an empty one of the language that it is named for."""
    if not path.exists():
        return Catalog(path.stem, header_comment=HEAD, charset="utf-8", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file)


def update(path: Path) -> str:
    """Bring the catalogue in `path` up to date; return its state, in words."""
    held = catalogue(path)
    wanted = Catalog(creation_date=held.creation_date)
    for words, place in messages().items():
        wanted.add(words, auto_comments=[place])
    held.update(wanted, update_header_comment=False)
    for message in held:  # places are tested, and some look like Python's old format
        message.flags -= {"python-format", "python-brace-format"}
    with path.open("wb") as file:
        write_po(file, held, width=0, ignore_obsolete=True)
    return f"{path.name}: {len(wanted)} messages, {len(missing(path))} to translate"


def missing(path: Path) -> list[str]:
    """The messages that the catalogue in `path` lacks, or has with a fuzzy mark."""
    held = catalogue(path)
    found = ((words, held.get(words)) for words in messages())
    return [words for words, m in found if not (m and m.string) or m.fuzzy]


def main() -> None:
    """Update the catalogues that there are, and those of the languages named."""
    paths = {LOCALE / f"{language}.po" for language in sys.argv[1:]}
    for path in sorted(paths.union(LOCALE.glob("*.po"))):
        print(update(path))


if __name__ == "__main__":
    console.run(main)
