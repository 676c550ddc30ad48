"""Build slides for a class: one HTML file that needs no network.

    python -m tools.build.slides --scale laptop --seeds all

Their text is in `book/slides.yml`; figures and verdicts are those of the book. At the
scales `smoke` and `demo` missing runs are trained; at others they must be stored.
"""

from __future__ import annotations

import argparse
import functools
import html
import string
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from markdown_it import MarkdownIt

import cplib
from cplib import figures, results, studies
from cplib._base.console import run
from cplib._base.files import check_file
from cplib.analysis import claims, findings, ledger
from cplib.errors import CplibError, DataError, InputError
from cplib.figures import animals, fisher, layers, stimuli
from cplib.figures.panel import Panel
from cplib.results import Result
from tools.build.book import LIVE
from tools.build.execute import CODE

SOURCE = CODE / "book" / "slides.yml"
TEMPLATE = Path(__file__).with_suffix(".html")
MARKDOWN = MarkdownIt("commonmark").enable("table")
NO_RUNS = "no runs stored"

Find = Callable[[str], Result]  # from the name of a study to its result
# kind of figure -> function that draws it, given `Find` and the slide's `studies`
FIGURES: dict[str, Callable[[Find, Any], Panel]] = {
    "study": lambda find, name: figures.draw(find(name)),
    "together": lambda find, names: figures.together(
        {label: find(name) for label, name in names.items()}
    ),
    "removal": lambda find, name: figures.removal_sweep(find(name)),
    "trace": lambda find, names: fisher.over_training(*map(find, names)),
    "trace under blur": lambda find, name: fisher.under_deficit(find(name), "blur"),
    "layers under blur": lambda find, name: layers.by_layer(find(name), "blur"),
    "kittens": lambda find, _: animals.kitten_acuity(),
    "deficits": lambda find, _: stimuli.deficits(),
}


@dataclass(frozen=True)
class Slide:
    """One entry of `slides.yml`, whose comments describe the fields."""

    title: str
    notes: str
    text: str = ""
    figure: dict[str, Any] | None = None
    claims: tuple[str, ...] = ()
    verdicts: bool = False


def main(argv: Sequence[str] | None = None) -> int:
    """Write the slides; return 0, or 1 with a sentence on stderr."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", default="laptop", help=", ".join(studies.SCALES))
    parser.add_argument("--seeds", default="all", help="3, or 0,1,2, or all")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps")
    parser.add_argument("--output", type=Path, default=CODE / "_build" / "slides.html")
    chosen = parser.parse_args(argv)
    try:
        check_file(chosen.output, "name another file with --output")
        find = finder(chosen.scale, chosen.seeds, chosen.device)
        seeds = "all seeds" if chosen.seeds == "all" else f"seeds {chosen.seeds}"
        origin = f"cplib {cplib.__version__}, scale {chosen.scale}, {seeds}"
        page = deck(*read(), find, origin)
        chosen.output.write_text(page, encoding="utf-8")
    except CplibError as error:
        print(f"The slides were not made: {error}", file=sys.stderr)
        return 1
    print(f"Slides: {chosen.output.resolve()} ({len(page.encode()) / 1e6:.1f} MB)")
    return 0


def read(path: Path = SOURCE) -> tuple[str, list[Slide]]:
    """Title and slides of the file `path`."""
    source = yaml.safe_load(path.read_text(encoding="utf-8"))
    return source["title"], [Slide(**entry) for entry in source["slides"]]


def finder(scale: str, seeds: str, device: str) -> Find:
    """A function from a study's name to its result, trained if the scale is live.

    Raises (when called):
        DataError: no result is stored, at a scale that is not trained live.
    """

    @functools.cache
    def find(name: str) -> Result:
        study = studies.get(name, scale)
        if scale in LIVE:
            return results.get(study, seeds=seeds, device=device, progress=False)
        known = results.stored(study, seeds)
        if known is None:
            raise DataError(
                f"{name} is not stored at scale {scale} for seeds {seeds}: run "
                f"'python -m cplib run {name} --scale {scale} --seeds {seeds}'."
            )
        return known

    return find


def deck(title: str, slides: Sequence[Slide], find: Find, origin: str) -> str:
    """The page with all slides."""
    shown = [
        section(number, slide, find, origin) for number, slide in enumerate(slides, 1)
    ]
    template = string.Template(TEMPLATE.read_text(encoding="utf-8"))
    return template.substitute(title=html.escape(title), slides="\n".join(shown))


def section(number: int, slide: Slide, find: Find, origin: str) -> str:
    """One slide: title, text, figure, and folded notes."""
    words = MARKDOWN.render(slide.text)
    words += "".join(finding(judged(name, find)) for name in slide.claims)
    words += summary(find) if slide.verdicts else ""
    heading = "h1" if number == 1 else "h2"
    picture = caption = ""
    if slide.figure:
        panel = drawn(slide.figure, find)
        picture = f"<figure>{panel.image_html()}</figure>"
        caption = f"<p><b>The figure.</b> {html.escape(panel.caption)}</p>"
    return (
        f'<section id="slide-{number}" tabindex="-1" aria-labelledby="title-{number}" '
        f'class="{"split" if picture else "plain"}">'
        f'<{heading} id="title-{number}">{html.escape(slide.title)}</{heading}>'
        f"<div>{words}</div>{picture}<footer>{html.escape(origin)}</footer>"
        f"<details><summary>Speaker notes</summary>{MARKDOWN.render(slide.notes)}"
        f"{caption}</details></section>"
    )


def drawn(figure: dict[str, Any], find: Find) -> Panel:
    """The figure of a slide."""
    kind = figure.get("kind")
    if kind not in FIGURES:
        raise InputError(
            f"slides.yml: figure kind {kind!r}: choose one of {', '.join(FIGURES)}."
        )
    return FIGURES[kind](find, figure.get("studies"))


def judged(name: str, find: Find) -> findings.Finding:
    """The finding for the claim `name`."""
    known = ledger.ledger()
    if name not in known:
        raise InputError(
            f"slides.yml: {name!r} is not in claims.yml: choose an id of it."
        )
    return claims.judge(known[name], [find(study) for study in known[name].studies])


def finding(found: findings.Finding) -> str:
    """A claim, its measurement and verdict, as HTML."""
    claim = found.claim
    return (
        f'<div class="claim"><p>{html.escape(claim.claim)} <b>{found.sign} '
        f"{found.worded}</b></p>"
        f"<p>{html.escape(found.ours)}</p><p><small>{html.escape(claim.measured)}; "
        f"expected {html.escape(claim.expectation)}</small></p></div>"
    )


def summary(find: Find) -> str:
    """A table of verdicts: the number of claims, and their panels in the paper."""
    panels: dict[str, list[str]] = {name: [] for name in (*ledger.VERDICTS, NO_RUNS)}
    for name, claim in ledger.ledger().items():
        if not claim.about:
            panels[_verdict(name, claim, find)].append(claim.panel)
    rows = "".join(
        f'<tr><th scope="row">{findings.SIGNS.get(verdict, "")} {verdict}</th>'
        f"<td>{len(held)}</td><td>{', '.join(dict.fromkeys(held))}</td></tr>"
        for verdict, held in panels.items()
        if held
    )
    head = "<th>Verdict</th><th>Claims</th><th>Panels of the paper's figures</th>"
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _verdict(name: str, claim: ledger.Claim, find: Find) -> str:
    if claim.untestable:
        return ledger.VERDICTS[-1]
    try:
        return judged(name, find).verdict
    except DataError:
        return NO_RUNS


if __name__ == "__main__":
    run(main)
