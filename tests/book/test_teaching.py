"""The appendices for teachers and the glossary, as files."""

from __future__ import annotations

import gzip
import json
import re

import nbformat
import pytest
from alone import written
from test_address import BOOK as MARK

import cplib as cp
from tools.build.book import CODE as ROOT

BOOK = ROOT / "book"
TEACHING = (BOOK / "teaching.md").read_text(encoding="utf-8")
GLOSSARY = (BOOK / "glossary.md").read_text(encoding="utf-8")
TERMS = re.findall(r"^(\S.*)\n  \S", "".join(re.findall(
    r"```\{glossary\}\n(.*?)```", GLOSSARY, re.S)), re.M)  # fmt: skip
CHAPTERS = ("experiment", "blur", "high-level", "deprivation", "architecture", "depth")
CHAPTERS += ("fisher", "layers", "scorecard")
STATES = re.findall(r'(?:href|src)="([\w-]+)\.html#(([\w-]+)=[^"]+)"', TEACHING)


def prose(name):
    notebook = nbformat.read(BOOK / f"{name}.ipynb", as_version=4)
    cells = (c.source for c in notebook.cells if c.cell_type == "markdown")
    return "\n\n".join(cells)


def test_times_are_those_of_the_stored_results():
    rows = re.findall(
        r"^\| `([\w-]+)` \| `(\w+)` \| .* \| (\d+)(?: to (\d+))? \|$", TEACHING, re.M
    )
    assert len(rows) >= 5
    for name, scale, low, high in rows:
        with gzip.open(BOOK / "results" / f"{name}-{scale}.csv.gz", "rt") as file:
            note = json.loads(file.readline().removeprefix("#"))
        minutes = [seed["seconds"] / 60 for seed in note["seeds"].values()]
        stored = [round(min(minutes)), round(max(minutes))]
        assert [int(low), int(high or low)] == stored, (name, scale)


def test_the_lesson_fills_its_time_without_a_gap():
    spans = re.findall(r"^\| (\d+)–(\d+) \|", TEACHING, re.M)
    edges = [tuple(map(int, span)) for span in spans]
    assert edges[0][0] == 0 and edges[-1][1] == 90
    assert all(one[1] == other[0] for one, other in zip(edges, edges[1:], strict=False))


def test_the_lesson_on_phones_fills_its_time_without_a_gap():
    _, _, plan = TEACHING.partition("(teaching-phones)=")
    plan, _, _ = plan.partition("\n## Four weeks")
    assert "| at minute | for |" in plan
    spans = [
        tuple(map(int, row)) for row in re.findall(r"^\| (\d+) \| (\d+) \|", plan, re.M)
    ]
    ends = [start + length for start, length in spans]
    assert len(spans) > 5
    assert [start for start, _ in spans] == [0, *ends[:-1]]
    assert ends[-1] == 90


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Pages with the parts for which states are prepared, from the stored results."""
    grids = cp.get("timing", "laptop", 1), cp.get("timing", "demo")
    explorers = [cp.explore(grid).html for grid in grids]
    parts = {"blur": "".join(explorers), "explorer-timing-laptop": explorers[0]}
    parts["laboratory"] = cp.laboratory()._repr_html_()
    return {
        name: written(tmp_path_factory.mktemp(name), MARK + part)
        for name, part in parts.items()
    }


def test_plans_have_prepared_states():
    assert {page for page, *_ in STATES} >= {"blur", "laboratory"} and len(STATES) > 9


@pytest.mark.browser
@pytest.mark.parametrize(("page", "state", "name"), STATES)
def test_a_prepared_state_opens(opened, prepared, page, state, name):
    """As the part says itself, when it is asked for the link to what it shows."""
    tab = opened(f"{prepared[page]}#{state}")
    part = tab.locator(f'[data-address="{name}"]')
    if name == "lab":
        link = part.get_by_label("Link to this experiment").input_value()
        assert set(state.split(";")[1:]) <= set(link.split(";"))
    else:
        part.get_by_role("button", name="Copy link").click()
        assert tab.url.endswith(f"#{state}")


def test_grades_add_up():
    shares = re.findall(r"\| (\d+) % \|", TEACHING)
    assert sum(map(int, shares)) == 100


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_exercise_is_in_the_key(name):
    _, _, key = TEACHING.partition("(teaching-key)=")
    found = re.findall(r"^:label: (ex-\S+)$", prose(name), re.M)
    assert found
    assert [label for label in found if f"| {{ref}}`{label}`" not in key] == []


def test_open_ended_exercises_are_in_the_key():
    _, _, key = TEACHING.partition("(teaching-open)=")
    for name in CHAPTERS:
        found = re.findall(
            r"\{exercise(?:-start)?\} .*[Oo]pen-ended.*\n:label: (\S+)", prose(name)
        )
        assert found, name
        assert all(f"{{ref}}`{label}`" in key for label in found), (name, found)


def test_terms_are_short_and_lead_to_a_chapter():
    assert len(TERMS) > 40 and len(set(map(str.lower, TERMS))) == len(TERMS)
    for term in TERMS:
        entry = GLOSSARY.split(f"\n{term}\n  ")[1].split("\n")[0]
        words, arrow, links = entry.partition(" → ")
        assert arrow and re.search(r"\]\([\w.-]+\)", links), term
        assert len(re.findall(r"[.!?](?: |$)", words)) <= 4, term


@pytest.mark.parametrize("name", CHAPTERS)
def test_chapters_lead_to_the_glossary(name):
    """A few words of each are linked, to terms that exist, once each."""
    roles = re.findall(r"\{term\}`([^`]+)`", prose(name))
    named = [re.sub(r".*<(.+)>", r"\1", role).lower() for role in roles]
    assert 3 <= len(named) == len(set(named))
    assert set(named) <= set(map(str.lower, TERMS))


@pytest.mark.parametrize("name", CHAPTERS)
def test_chapters_have_what_a_learner_needs(name):
    text = prose(name)
    assert ":::{admonition} Learning goals" in text
    assert re.search(r"^\*You need:\* .+ \*Time:\* .+ to read, .+ exercises\.$",
                     text, re.M)  # fmt: skip
    assert text.count(":::{admonition} Predict first") >= 1
    assert len(re.findall(r"^:::\{exercise(-start)?\}", text, re.M)) >= 3
    assert re.search(r"^## Key points\n\n- ", text, re.M)
    last = re.findall(r"^## (.+)$", text, re.M)[-2:]
    assert set(last) == {"Key points", "Exercises"}
