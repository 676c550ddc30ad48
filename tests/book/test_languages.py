"""Pages in other languages: complete catalogues, true marks, links both ways."""

import ast
import re
from urllib.parse import unquote

import nbformat
import numpy as np
import pytest
from alone import written
from babel.messages import Catalog
from babel.messages.pofile import write_po

from cplib._base.words import translated
from cplib.analysis.findings import Finding
from cplib.analysis.ledger import CONTRADICTED, REPRODUCED, UNDECIDED, ledger
from cplib.widgets import fragments
from tools.build import execute, languages
from tools.build.book import CODE as ROOT
from tools.maintain import messages
from tools.pages.inline import inlined

LANGUAGES = languages.catalogues(ROOT)
each_language = pytest.mark.parametrize("language", LANGUAGES)
REMEDY = "run python -m tools.maintain.messages, and translate them in"
# what a translation must keep: places, roles, addresses, code, formulas, escapes
MARKS = re.compile(
    r"\$\{[^}]*\}|\$[^$]+\$|\{\w+\}`[^`]*`|`[^`]+`|\{[^}]*\}|\]\([^)]*\)|\\u\w{4}"
)
TITLED = re.compile(r"(`).*<(.*)>(`)|:[^{}`]*(\})$")  # a role's title, a format
ADDRESS = re.compile(r'(?:href|src|action|content_root)="(?!data:)([^"#:?]+)')
# All text that the page shows, folded or not, and what screen readers say; without code
# and tables of data.
READ = """() => {
  const found = [], { body } = document;
  const texts = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
  for (let text = texts.nextNode(); text; text = texts.nextNode())
    if (!text.parentElement.closest("script, style, code, pre, table"))
      found.push(text.data);
  for (const name of ["aria-label", "alt", "aria-valuetext"])
    for (const element of document.querySelectorAll(`[${name}]`))
      found.push(element.getAttribute(name));
  return found.join(" ");
}"""
NAMES = {"cifar", "demo", "gratings", "laptop"}  # of data sets and scales


def marks(words):
    """The marks in `words`, sorted; a title and a number's format may differ."""
    found = (TITLED.sub(r"\1\2\3\4", mark) for mark in MARKS.findall(words))
    return sorted(mark.lower() for mark in found)


@each_language
def test_nothing_waits_for_translation(language):
    missing = messages.missing(LANGUAGES[language])
    assert not missing, f"{len(missing)} messages: {REMEDY} book/locale/{language}.po"


@each_language
def test_translations_keep_the_marks(language):
    """Places, roles, addresses, formulas; blanks at the ends; the number of numbers."""
    held = messages.catalogue(LANGUAGES[language])
    for words in messages.messages():
        said = held.get(words).string
        assert marks(said) == marks(words), said
        assert said[0].isspace() == words[0].isspace(), said
        assert said[-1].isspace() == words[-1].isspace(), said
        if words.startswith("no one two"):
            assert len(said.split()) == len(words.split())


@each_language
def test_code_stays_code(language, tmp_path):
    """No translation ends a string of a cell or of a script before its time."""
    names = messages.SCRIPTS.split()
    quotes = [fragments.script(name).count("`") for name in names]
    with languages.spoken(LANGUAGES[language], tmp_path):
        assert quotes == [fragments.script(name).count("`") for name in names]
        for page in languages.PAGES:
            notebook = nbformat.read(ROOT / f"{page}.ipynb", as_version=4)
            for cell in languages.said(notebook).cells:
                if cell.cell_type == "code" and cell.id != "setup":
                    ast.parse(cell.source)


def test_a_message_that_nobody_translated_stays_english(tmp_path):
    (tmp_path / "xx.po").write_text('msgid "blur"\nmsgstr ""\n')
    with languages.spoken(tmp_path / "xx.po", tmp_path):
        assert translated("blur") == "blur" and translated("") == ""
    assert translated("{a} of {b}", a=1, b=2) == "1 of 2"


def named():
    """The claims of which the pages tell."""
    for page in languages.PAGES:
        text = (ROOT / f"{page}.ipynb").read_text(encoding="utf-8")
        yield from (name for name in ledger() if f'\\"{name}\\"' in text)


def sentences():
    """Each of their branches, and how it was tested, with made-up seeds."""
    for name in set(named()):
        seeds = np.array([-3.0, -2.0, -1.0])
        finding = Finding(ledger()[name], seeds, "laptop", beside=-2.0)
        for verdict in (REPRODUCED, UNDECIDED, CONTRADICTED):
            yield (name, verdict), finding.sentence(verdict)
        yield name, str(finding)


@each_language
def test_every_branch_is_said(language, tmp_path):
    """Not in English, with all numbers filled in."""
    english = dict(sentences())
    with languages.spoken(LANGUAGES[language], tmp_path):
        said = dict(sentences())
    assert said.keys() == english.keys() and len(said) >= 30
    for branch, sentence in said.items():
        assert sentence != english[branch] and sentence.endswith(".")
        assert not re.search(r"[{}]|nan", sentence)


def shouted(words):
    """In capitals, but for the marks."""
    parts = re.split(f"({MARKS.pattern})", words)
    return "".join(p if MARKS.fullmatch(p) else p.upper() for p in parts if p)


@pytest.mark.browser
@pytest.mark.notebooks
@pytest.mark.usefixtures("books_results")
def test_all_that_readers_see_is_a_message(opened, tmp_path):
    """In a language of capitals, words in small letters are English ones."""
    capitals = Catalog("xx")
    for words in messages.messages():
        capitals.add(words, shouted(words))
    with (tmp_path / "xx.po").open("wb") as file:
        write_po(file, capitals)
    small = {}
    with languages.spoken(tmp_path / "xx.po", tmp_path):
        for name in languages.PAGES:
            source, target = tmp_path / "said.ipynb", tmp_path / f"{name}.ipynb"
            notebook = nbformat.read(ROOT / f"{name}.ipynb", as_version=4)
            nbformat.write(languages.said(notebook), source)
            job = execute.Job(source, target, name, ROOT / "book", {}, "")
            assert list(execute.execute_all([job], 1))
            page = opened(written(tmp_path, shown(nbformat.read(target, 4))))
            found = set(re.findall(r"[a-z]{3,}", page.evaluate(READ)))
            small[name] = sorted(found - NAMES)
    assert not any(small.values()), small


def shown(notebook):
    """What the cells of `notebook` put out, as HTML."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    kinds = ("text/html", "text/markdown")
    parts = (o.get("data", {}).get(kind, "") for o in outputs for kind in kinds)
    return inlined("".join(parts))


@pytest.mark.notebooks
@pytest.mark.parametrize("page", languages.addresses(ROOT))
def test_all_links_lead_to_a_file_and_the_versions_to_each_other(smoke, page):
    """English pages are marked as such; `search.html` and the like are shared."""
    file = smoke.html / page
    text = file.read_text(encoding="utf-8")
    found = {(file.parent / unquote(link)).resolve() for link in ADDRESS.findall(text)}
    assert all(target.exists() for target in found)
    english = smoke.html / page.partition("/")[2]
    assert english in found and smoke.html / "book/experiment.html" in found
    assert not (file.parents[1] / "_static").exists()
    for link in re.findall(r'<a [^>]*href="[^"]*book/experiment\.html[^>]*>', text):
        assert 'hreflang="en"' in link
    language, back = page.partition("/")[0], f'href="../{page}"'
    shown = english.read_text(encoding="utf-8")
    assert f'<link rel="alternate" hreflang="{language}" {back}>' in shown
    assert f'hreflang="{language}" {back}>{languages.name(language)}</a>' in shown
