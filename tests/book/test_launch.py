"""The set-up cell, and every address that points into the repository."""

from __future__ import annotations

import json
import re
import shutil
from html import unescape
from types import SimpleNamespace

import pytest

from tools.build import book as build_book
from tools.build.book import CODE as ROOT
from tools.maintain import addresses, setup_cell
from tools.pages import buttons

REPO = addresses.repository(ROOT)
HREF = re.compile(r'<a\b[^>]*?href="([^"]*)"')


@pytest.fixture
def copy(tmp_path):
    """Copies of the files with the cell or an address."""
    for name in ("_config.yml", *setup_cell.TEXTS):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "book").mkdir()
    for name in ("index", "blur"):
        shutil.copy(ROOT / "book" / f"{name}.ipynb", tmp_path / "book")
    return tmp_path


def test_all_files_are_up_to_date(capsys):
    assert setup_cell.main(["--check"]) == 0, capsys.readouterr().out


def test_another_repository_is_followed_everywhere(copy, capsys):
    config = copy / "_config.yml"
    text = config.read_text(encoding="utf-8").replace(
        REPO.url, "https://github.com/a-b/c.d"
    )
    text = text.replace("branch: main", "branch: term/2")
    config.write_text(text, encoding="utf-8")
    root = ["--root", str(copy)]
    assert setup_cell.main(["--check", *root]) == 1
    assert "blur.ipynb not up to date" in capsys.readouterr().out
    assert setup_cell.main(["--write", *root]) == 0
    assert setup_cell.main(["--check", *root]) == 0
    files = [*setup_cell.TEXTS, "book/index.ipynb", "book/blur.ipynb"]
    texts = [(copy / name).read_text(encoding="utf-8") for name in files]
    assert not any(f"{REPO.owner}/{REPO.name}" in text for text in texts)
    assert "https://github.com/a-b/c.d/archive/refs/heads/term/2.zip" in texts[-1]
    assert "/github/a-b/c.d/blob/term/2/book/blur.ipynb" in texts[0]
    (copy / "_config.yml").write_bytes((ROOT / "_config.yml").read_bytes())
    assert setup_cell.main(["--write", *root]) == 0  # and back, to the byte
    for name in files:
        assert (copy / name).read_bytes() == (ROOT / name).read_bytes()


@pytest.mark.parametrize(
    "url", ["", "github.com/a/b", "https://github.com/a", "https://example.org/a/b"]
)
def test_an_address_of_another_form_is_refused(copy, url, capsys):
    (copy / "_config.yml").write_text(f"repository: {{url: '{url}', branch: main}}\n")
    assert setup_cell.main(["--check", "--root", str(copy)]) == 1
    assert "https://github.com/OWNER/NAME" in capsys.readouterr().err


def test_the_cell_is_restored_when_lost_moved_or_doubled(copy):
    path = copy / "book/blur.ipynb"
    good = json.loads(path.read_text(encoding="utf-8"))
    ours = next(c for c in good["cells"] if c["id"] == "setup")
    rest = [c for c in good["cells"] if c["id"] != "setup"]
    edited = {**ours, "source": ["1"]}
    for cells in (rest, [*rest, ours], [ours, *rest, ours], [edited, *rest]):
        assert setup_cell.with_cell({**good, "cells": cells}, REPO.archive) == good


def test_no_page_names_the_repository_otherwise():
    """Only the set-up cell does, and README and citation, which are kept up to date."""
    for path in build_book.pages(ROOT):
        text = path.read_text(encoding="utf-8").replace(REPO.archive, "")
        assert f"{REPO.owner}/{REPO.name}" not in text, path
    for name in setup_cell.TEXTS:
        text = (ROOT / name).read_text(encoding="utf-8")
        links = [found[0] for found in addresses.LINK.finditer(text)]
        for link in links:
            check_colab(link)
            text = text.replace(link, "")
        text = text.replace(f"repository-code: {REPO.url}", "")
        assert f"{REPO.owner}/{REPO.name}" not in text, name


def check_colab(link, page=None):
    start = f"https://colab.research.google.com/github/{REPO.owner}/{REPO.name}/blob/"
    start += f"{REPO.branch}/"
    assert link.startswith(start)
    path = link.removeprefix(start)
    assert (ROOT / path).is_file(), link
    assert page is None or path == page.as_posix()


def config(owner):
    address = f"https://github.com/{owner}/critical-periods"
    options = {"repository_url": address, "launch_buttons": {"colab_url": "x"}}
    options |= {"use_repository_button": True, "use_issues_button": True}
    return SimpleNamespace(html_theme_options=options)


def test_buttons_wait_for_an_address():
    named, unnamed = config("someone"), config("OWNER")
    buttons.hide_placeholder(None, named)
    assert named == config("someone")
    buttons.hide_placeholder(None, unnamed)
    left = {k: v for k, v in unnamed.html_theme_options.items() if v}
    assert list(left) == ["repository_url"]


@pytest.mark.parametrize("colab", [True, False])
def test_the_foot_of_a_page_leads_to_its_notebook(colab):
    menu = [{"text": ".ipynb", "url": "blur.ipynb"}, {"text": ".pdf", "url": None}]
    menu += [{"text": "Colab", "url": "https://colab.research.google.com/a"}] * colab
    context = {"body": "<p>text</p>", "header_buttons": [{"buttons": menu}]}
    buttons.add_line(None, "book/blur", "", context, None)
    links = HREF.findall(context["body"].removeprefix("<p>text</p>"))
    assert links == ["https://colab.research.google.com/a"] * colab + ["blur.ipynb"]
    plain = {"body": "", "header_buttons": []}
    buttons.add_line(None, "book/glossary", "", plain, None)
    assert plain["body"] == ""


@pytest.mark.notebooks
def test_every_launch_button_leads_to_a_file(smoke):
    """Links of the built pages: to Colab, to the repository, to the notebook."""
    for source in build_book.pages(ROOT):
        page = source.relative_to(ROOT)
        built = smoke.html / page.with_suffix(".html")
        text = built.read_text(encoding="utf-8")
        links = [unescape(link) for link in HREF.findall(text)]
        colab = [link for link in links if "colab.research" in link]
        for link in colab:
            check_colab(link, page)
        for link in links:
            if f"github.com/{REPO.owner}" in link and link not in colab:
                rest = link.removeprefix(REPO.url)
                assert rest == "" or rest.startswith("/issues/new?title="), link
        files = [link for link in links if link.endswith(".ipynb") and ":" not in link]
        if page.suffix == ".ipynb":
            known = REPO.owner != "OWNER"  # else no link leads there
            assert len(colab) == 2 * known  # the theme's menu, and the page's foot
            assert known or "OWNER" not in text
            assert len(files) == 2
            assert text.count('<p class="run-it">') == 1
            assert all((built.parent / link).is_file() for link in files)
            assert "google.colab" not in text  # the set-up cell is not shown
        else:
            assert not colab and not files
