"""Pages in other languages, from the message catalogues `book/locale/LANGUAGE.po`.

A catalogue translates `PAGES`: the lines of their text, the strings and comments in
their code, and what cplib says there (`cplib._base.words`). They are executed and built
like the English ones and put into a folder of the language; all their links to other
pages and files lead to the English book.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import nbformat
import yaml
from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from nbformat import NotebookNode

from cplib._base.words import translated

PAGES = ("book/index", "book/laboratory", "book/blur")
PROMPTS = {
    "nb_code_prompt_show": "Show the code",
    "nb_code_prompt_hide": "Hide the code",
}
# a line of Markdown: marks, then words; and what are no words
LINE = re.compile(r"(\s*(?:#+ |[-*] |\d+\. |:{3,}\{[\w-]+\} ?)?)(.*)")
UNSAID = re.compile(r"[^A-Za-z]*|:\w+:.*|:::.*|\([\w-]+\)=|(?:ex|sol)-[\w-]+")
# strings and comments in code; and the strings that are no words
LITERAL = re.compile(r'"""(.*?)"""|"([^"\\\n]*(?:\\.[^"\\\n]*)*)"|# ([^\n]*)', re.S)
QUERY = re.compile(r"\S*|.*(?:==| @).*|[^A-Za-z]*", re.S)
LINK = re.compile(
    r'(<\w+[^>]*? (?:href|src|action|data-content_root)=")([^"#:][^":]*)"'
)
# where the theme shows the title of an English page
ENGLISH = re.compile(
    r'(toctree-l1[^>]*><a[^>]*hreflang="en"'
    r'|hreflang="en"[^>]*>(?:(?!</a>).)*?<p class="prev-next-title")',
    re.S,
)

Say = Callable[[str], str]


def catalogues(root: Path) -> dict[str, Path]:
    """The catalogue of each language, by its code."""
    return {path.stem: path for path in sorted((root / "book/locale").glob("*.po"))}


def addresses(root: Path) -> list[str]:
    """The translated pages in the built book."""
    return [f"{code}/{page}.html" for code in catalogues(root) for page in PAGES]


@contextlib.contextmanager
def spoken(catalogue: Path, output: Path) -> Iterator[None]:
    """Within, here and in child processes: the language of `catalogue`."""
    output.mkdir(parents=True, exist_ok=True)
    compiled = output / "messages.mo"
    with catalogue.open("rb") as source, compiled.open("wb") as target:
        write_mo(target, read_po(source))
    os.environ["CPLIB_MESSAGES"] = str(compiled)
    try:
        yield
    finally:
        del os.environ["CPLIB_MESSAGES"]


def settings(root: Path, language: str, say: Say = translated) -> dict[str, str]:
    """The files `_config.yml` and `_toc.yml` in the language."""
    config, toc = (
        yaml.safe_load((root / name).read_text(encoding="utf-8"))
        for name in ("_config.yml", "_toc.yml")
    )
    config["title"] = say(config["title"])
    config["sphinx"]["local_extensions"] = {"tools.pages": str(root)}
    own = {name: say(words) for name, words in PROMPTS.items()}
    config["sphinx"]["config"] |= {"language": language} | own
    for part in toc["parts"]:
        part["caption"] = say(part["caption"])
    return {"_config.yml": yaml.safe_dump(config), "_toc.yml": yaml.safe_dump(toc)}


def stage(root: Path, english: Path, own: Path, language: str) -> list[Path]:
    """Put settings and a stage into `own`, a copy of the stage `english`.

    Returns:
        The sources of `PAGES` on it, translated.
    """
    for name, text in settings(root, language).items():
        (own / name).write_text(text, encoding="utf-8")
    shutil.rmtree(own / "stage", ignore_errors=True)
    shutil.copytree(english, own / "stage")
    sources = [own / "stage" / f"{page}.ipynb" for page in PAGES]
    for page, source in zip(PAGES, sources, strict=True):
        notebook = nbformat.read(root / f"{page}.ipynb", as_version=4)
        nbformat.write(said(notebook), source)
    return sources


def said(notebook: NotebookNode, say: Say = translated) -> NotebookNode:
    """`notebook` with `say` applied to all that readers may read in it."""
    for cell in notebook.cells:
        prompts = cell.metadata.get("mystnb", {})
        prompts |= {name: say(words) for name, words in prompts.items()}
        if cell.cell_type == "markdown":
            cell.source = _text(cell.source, say)
        elif "remove-cell" not in cell.metadata.get("tags", []):
            cell.source = LITERAL.sub(lambda found: _literal(found, say), cell.source)
    return notebook


def _text(text: str, say: Say) -> str:
    """Markdown: the words of each line, but for code and formulas."""
    lines, fenced = [], False
    for line in text.split("\n"):
        fence = line.startswith(("```", "$$"))
        fenced ^= fence
        marks, words = LINE.fullmatch(line).groups()
        plain = fence or fenced or UNSAID.fullmatch(words)
        lines.append(line if plain else marks + say(words))
    return "\n".join(lines)


def _literal(found: re.Match, say: Say) -> str:
    """A string with blanks in it, or a comment; line ends in it become blanks."""
    words = next(filter(None, found.groups()), "")
    message = " ".join(words.split())
    if found[3] is None and QUERY.fullmatch(words.strip()):
        return found[0]
    blank = " " * words.endswith(" ")
    return found[0].replace(words, say(message) + blank)


def add(made: Path, html: Path, language: str) -> None:
    """Add the pages of a language, built in `made`, to the book in `html`."""
    for page in ("index", *PAGES):
        target = html / language / f"{page}.html"
        target.parent.mkdir(parents=True, exist_ok=True)
        text = (made / f"{page}.html").read_text(encoding="utf-8")
        text = LINK.sub(lambda link, page=page: _moved(link, page, language), text)
        target.write_text(ENGLISH.sub(r'\1 lang="en"', text), encoding="utf-8")
    for image in (made / "_images").iterdir():  # named by their content
        shutil.copy2(image, html / "_images")


def _moved(link: re.Match, page: str, language: str) -> str:
    """A link on `page`, which is now in the folder of its language."""
    here = posixpath.dirname(page)
    target, mark, place = link[2].partition("#")
    path = posixpath.normpath(posixpath.join(here, target))
    if path.removesuffix(".html") in ("index", *PAGES):
        return link[0]
    address = posixpath.relpath(path, posixpath.join(language, here))
    address += "/" * target.endswith("/")
    tag = f'{link[1]}{address}{mark}{place}"'
    return tag + ' hreflang="en"' * (tag.startswith("<a ") and path.endswith(".html"))


def link(html: Path, languages: Iterable[str]) -> None:
    """Link the versions of each of `PAGES` with each other."""
    for page in PAGES:
        names = {code: posixpath.join(code, f"{page}.html") for code in languages}
        names = {"en": f"{page}.html"} | names
        for code, file in names.items():
            path, here = html / file, posixpath.dirname(file)
            paths = {c: posixpath.relpath(n, here) for c, n in names.items()}
            text = path.read_text(encoding="utf-8")
            path.write_text(_linked(text, code, paths), encoding="utf-8")


def _linked(text: str, own: str, addresses: dict[str, str]) -> str:
    head = "".join(
        f'<link rel="alternate" hreflang="{code}" href="{address}">\n'
        for code, address in addresses.items()
    )
    others = " ".join(
        f'<a lang="{code}" hreflang="{code}" href="{address}">{name(code)}</a>'
        for code, address in addresses.items()
        if code != own
    )
    text = text.replace("</head>", f"{head}</head>", 1)
    return re.sub(
        r'(<article class="bd-article"[^>]*>)',
        rf'\1\n<p class="languages">{others}</p>',
        text,
        count=1,
    )


def name(code: str) -> str:
    """The language's own name."""
    return Locale.parse(code).get_display_name().capitalize()
