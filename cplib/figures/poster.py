"""The Scorecard as a poster: small copies of our panels, laid out as in the paper."""

import html
from collections import Counter
from dataclasses import dataclass
from functools import partial

import numpy as np

from .. import results
from .._base.plain import Seeds
from ..analysis import biology
from ..analysis.claims import Scorecard
from ..analysis.findings import SIGNS, Finding
from ..analysis.sensitivity import sensitivities, shares, trace_curve
from ..results import Result
from ..studies import Run
from .palette import ANIMAL, looks, networks, page_colours
from .sweeps import LEAST, LOST, readouts

LAYOUT = {  # rows of panels, as in the paper, whose 4L contains the fit as well
    "Figure 1": ("1TL 1TR", "1BL 1BR"), "Figure 2": ("2L 2R", "2B"),
    "Figure 3": ("3TL 3TR", "3BL 3BR"), "Figure 4": ("4L 4C 4R", "4L-fit"),
    "Figure 5": ("5TL 5TC 5TR", "5BL 5BC 5BR"),
}  # fmt: skip
FIT = "4L-fit"
MIXED, NONE = "mixed", "no claim"
JOINS = {"line": "L", "dashed": "L", "area": "L", "points": "h0M"}  # between points
WIDE, HIGH, EDGE = 120, 72, 4  # of a thumbnail, in units of its own


@dataclass(frozen=True)
class Mark:
    """A line or an area of a thumbnail, in units of the data."""

    x: np.ndarray
    y: np.ndarray
    colour: str = "currentColor"
    kind: str = "line"  # or "dashed", "area", "points"
    opacity: float = 1.0


@dataclass(frozen=True)
class Thumbnail:
    """A small copy of a panel: title, chapter, marks, and what they show in words."""

    title: str
    chapter: str
    marks: list[Mark]
    words: str
    zero: bool = False  # for points lost: 0 is marked, and the range is common

    def svg(self) -> str:
        """The marks in a box, without text, in colours that follow the page's."""
        ends, follow = LEAST if self.zero else (), page_colours()
        x, y = ([getattr(m, end) for m in self.marks] for end in "xy")
        left, right = np.min(np.hstack(x)), np.max(np.hstack(x))
        low, high = np.nanmin([*ends, *np.hstack(y)]), np.nanmax([*ends, *np.hstack(y)])

        def placed(x, y) -> list[str]:
            across = EDGE + (x - left) / (right - left) * (WIDE - 2 * EDGE)
            down = HIGH - EDGE - (y - low) / (high - low) * (HIGH - 2 * EDGE)
            pairs = np.column_stack([across, down]).round().astype(int)
            return [f"{a} {b}" for a, b in pairs]

        both, none = np.array([left, right]), np.zeros(2)
        zero = f'<path class="zero" d="M{"L".join(placed(both, none))}"/>' * self.zero
        drawn = "".join(
            f'<path class="{m.kind}" d="M{JOINS[m.kind].join(placed(m.x, m.y))}h0" '
            f'style="--ink:{follow.get(m.colour, m.colour)};opacity:{m.opacity:.2f}"/>'
            for m in self.marks
        )
        return (
            f'<svg role="img" aria-label="{html.escape(self.words, quote=True)}" '
            f'viewBox="0 0 {WIDE} {HIGH}" width="{WIDE}">{zero}{drawn}</svg>'
        )


@dataclass(frozen=True)
class Poster:
    """The book's version of the paper's panels, framed by verdict; see `poster`."""

    card: Scorecard
    thumbnails: dict[str, Thumbnail]

    def findings(self, panel: str) -> list[Finding]:
        """The paper's claims about `panel`; of 4L, those on the trace or on the fit."""
        own = self.card.only(ours=False).findings
        place, fit = panel.removesuffix("-fit"), panel == FIT
        return [
            f for f in own
            if f.claim.panel == place and fit == ("4L" in f.claim.studies)
        ]  # fmt: skip

    def frame(self, panel: str) -> str:
        """The verdict of all claims about `panel`; 'mixed' or 'no claim'."""
        given = {finding.verdict for finding in self.findings(panel)}
        return given.pop() if len(given) == 1 else MIXED if given else NONE

    def _repr_html_(self) -> str:
        sheets = "".join(
            f"<section><p><b>{name}</b></p>{''.join(map(self._row, rows))}</section>"
            for name, rows in LAYOUT.items()
        )
        paper = self.card.only(ours=False)
        return (
            f'<figure class="cplib-figure cplib-poster"><div>{sheets}</div>'
            f"<figcaption>{paper.summary}. Each panel of the paper, as we found it. "
            "Frames: green, all claims are reproduced; dashed, undecided; double, "
            "contradicted; thin, mixed; dotted, none to test. An image leads to its "
            "claims, a name to its chapter. Sweeps: points lost to the same clean "
            "training, harm upwards, on one scale.</figcaption>"
            "<details><summary>All claims, one by one</summary>"
            f"{paper._repr_html_()}</details></figure>"
        )

    def _row(self, panels: str) -> str:
        return f'<div class="panels">{"".join(map(self._panel, panels.split()))}</div>'

    def _panel(self, panel: str) -> str:
        shown, found = self.thumbnails[panel], self.findings(panel)
        counts = Counter(finding.verdict for finding in found)
        words = "<br>".join(
            f'<span aria-hidden="true">{sign}</span> '
            + f"{counts[verdict]} " * (len(found) > 1)
            + verdict
            for verdict, sign in SIGNS.items()
            if counts[verdict]
        )
        image = shown.svg()
        if found:
            image = f'<a href="#{found[0].claim.id}">{image}</a>'
        return (
            f'<div class="panel" data-verdict="{self.frame(panel)}">'
            f'<p><a href="{shown.chapter}.html">{panel.replace("-", " ")}</a> '
            f"{shown.title}</p>{image}<p>{words or NONE}</p></div>"
        )


def poster(card: Scorecard, seeds: Seeds = "all", *, device: str = "auto") -> Poster:
    """The card as a poster of the paper's 21 panels, drawn from the runs behind it.

    Args:
        card: of all claims; see `scorecard`.
        seeds, device: as for `results.get`.
    """
    scale = next(f.scale for f in card.findings if not f.claim.untestable)
    get = partial(results.get, scale=scale, seeds=seeds, device=device)
    named = ("1TL", "1BL", "2L", "2R", "2B", "3TL", "3TR", "3BL", "4L", "5")
    found = {name: get(name) for name in named}
    depths = [get(f"3BR{blocks}") for blocks in (1, 2, 3)]
    tracked, layered = found["3TL"], found["5"]
    late = tracked.study.runs[-1]
    drawn = {
        "1TL": _swept("blur until t₀", "blur", found["1TL"]),
        "1TR": _animal("kittens", "blur", "kitten_acuity", "kitten_recovery"),
        "1BL": _swept("short blur", "blur", found["1BL"], x="onset"),
        "1BR": _animal("kittens", "blur", "kitten_sensitivity"),
        "2L": _swept("upside down", "high-level", found["2L"]),
        "2R": _swept("renamed", "high-level", found["2R"]),
        "2B": _swept("noise", "deprivation", found["2B"]),
        "3TL": _swept("ResNet-18", "architecture", found["3TL"]),
        "3TR": _swept("digits, MLP", "architecture", found["3TR"]),
        "3BL": _swept("fixed rate", "architecture", found["3BL"]),
        "3BR": _swept("depth", "depth", *depths),
        "4L": _traces("trace", tracked, tracked.study.runs[0]),
        "4C": _animal("macaques", "fisher", "macaque_synapses"),
        "4R": _traces("trace, blur", tracked, tracked.study.runs[0], late),
        FIT: _fit(tracked, found["4L"]),
    }
    for row, kind in (("5T", "blur"), ("5B", "flip")):
        clean, *under = layered.study.runs
        under = [run for run in under if run.name == kind]
        for column, run in zip("LCR", (clean, under[0], under[-1]), strict=True):
            drawn[row + column] = _layers(layered, run)
    return Poster(card, drawn)


def _swept(title: str, chapter: str, *swept: Result, x: str = "removal") -> Thumbnail:
    """Points lost to the same clean training, over `x`."""
    runs = [result.study.runs[-1] for result in swept]
    several = len(swept) > 1
    own = networks([r.study for r in swept]) if several else looks(runs)
    marks, words = [], []
    for result, look in zip(swept, own, strict=True):
        table = readouts(result).query("run > 0")
        lost = table.groupby(x)[LOST["baseline"]].mean()
        if x == "removal":
            lost.loc[0] = 0.0
        lost = lost.sort_index()
        marks.append(Mark(lost.index.to_numpy(), lost.to_numpy(), look.colour))
        words.append(
            f"{result.study.title}: {lost.iloc[0]:.1f} points lost at epoch "
            f"{lost.index[0]}, {lost.iloc[-1]:.1f} at epoch {lost.index[-1]}"
        )
    return Thumbnail(title, chapter, marks, "; ".join(words), zero=True)


def _animal(title: str, chapter: str, first: str, *more: str) -> Thumbnail:
    """Schematic curves over age: drawn for the eye, not data."""
    curves = [biology.schematic(name)[::20] for name in (*more, first)]
    places = [curve[["age_days", "value"]].to_numpy().T for curve in curves]
    kinds = ["line", *["dashed"] * len(more)]
    marks = [Mark(*p, ANIMAL, kind) for p, kind in zip(places, kinds, strict=True)]
    return Thumbnail(title, chapter, marks, f"{title}: a schematic curve over age")


def _traces(title: str, result: Result, *runs: Run) -> Thumbnail:
    marks, words = [], []
    for run, look in zip(runs, looks(runs), strict=True):
        curve = trace_curve(result, run).mean(axis=1)
        curve = curve[curve > 0]
        if curve.empty:
            continue
        kind = "dashed" if run.clean and len(runs) > 1 else "line"
        thin = np.log2(curve.iloc[:: max(1, len(curve) // 30)])
        marks.append(Mark(thin.index.to_numpy(), thin.to_numpy(), look.colour, kind))
        words.append(f"{run.label}: {curve.iloc[0]:,.3g} to {curve.iloc[-1]:,.3g}")
    return Thumbnail(title, "fisher", marks, f"Trace over training. {'; '.join(words)}")


def _fit(tracked: Result, windows: Result) -> Thumbnail:
    """Trace over points lost, one point per window."""
    found = sensitivities(tracked, windows).groupby(["window", "onset"])
    points = found[["sensitivity", "trace"]].mean().sort_values("sensitivity")
    (look,) = networks([tracked.study])
    mark = Mark(*points.to_numpy().T, look.colour, "points")
    words = f"Trace over points lost, for {len(points)} windows"
    return Thumbnail("trace, harm", "fisher", [mark], words)


def _layers(result: Result, run: Run) -> Thumbnail:
    """Shares of the layers, stacked."""
    mean = shares(result, run).groupby(["epoch", "layer"])["share"].mean().unstack()
    every = max(1, len(mean) // 12)
    tops = 100 * mean.iloc[::every].cumsum(axis=1)
    x = tops.index.to_numpy()
    (look,) = networks([result.study])
    marks, below = [], np.zeros(len(x))
    for number, layer in enumerate(tops):
        top = tops[layer].to_numpy()
        area = np.hstack([x, x[::-1]]), np.hstack([below, top[::-1]])
        marks.append(Mark(*area, look.colour, "area", 0.2 + 0.1 * (number % 2 * 4)))
        below = top
    when = "no deficit" if run.clean else f"{run.label} until {run.removal}"
    end = f"at the end, layer {mean.iloc[-1].idxmax()} has the largest share"
    words = f"Shares of the layers, {when}: {end}"
    return Thumbnail(when, "layers", marks, words)
