"""Pages in other languages: complete catalogues, true marks, links both ways."""

import ast
import re

import nbformat
import numpy as np
import pytest
from alone import written

from cplib._base.words import translated
from cplib.analysis.findings import Finding
from cplib.analysis.ledger import CONTRADICTED, REPRODUCED, UNDECIDED, ledger
from cplib.widgets import fragments
from tools.build import languages
from tools.build.book import CODE as ROOT
from tools.maintain import messages

LANGUAGES = languages.catalogues(ROOT)
each_language = pytest.mark.parametrize("language", LANGUAGES)
REMEDY = "run python -m tools.maintain.messages, and translate them in"
# what a translation must keep: places, roles, addresses, code, formulas, escapes
MARKS = re.compile(
    r"\$\{[^}]*\}|\$[^$]+\$|\{\w+\}`[^`]*`|`[^`]+`|\{[^}]*\}|\]\([^)]*\)|\\u\w{4}"
)
TITLED = re.compile(r"`.*<(.*)>`")  # of a role: its target


def marks(words):
    """The marks in `words`, sorted; of roles the target alone."""
    found = (TITLED.sub(r"`\1`", mark) for mark in MARKS.findall(words))
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


@each_language
def test_every_branch_is_said(language, tmp_path):
    """In the language, and not in English, with all numbers filled in."""
    names = set(named())
    assert len(names) >= 10
    english = {name: dict(ledger()[name].says) for name in names}
    with languages.spoken(LANGUAGES[language], tmp_path):
        for name in names:
            finding = Finding(ledger()[name], np.array([-3.0, -2.0, -1.0]), "laptop")
            for verdict in (REPRODUCED, UNDECIDED, CONTRADICTED):
                sentence = finding.sentence(verdict)
                assert sentence != english[name][verdict] and sentence.endswith(".")
                assert not re.search(r"[{}]|nan", sentence)
            assert finding.claim.claim in str(finding)
