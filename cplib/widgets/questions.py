"""Questions with instant answers, as HTML that needs neither kernel nor script.

A choice unfolds what there is to say about it. Nothing is graded, kept or printed.
"""

import html
from collections.abc import Mapping

import pandas as pd
from IPython.display import HTML

from .._base.files import sha256
from .._base.words import translated as _
from ..errors import InputError
from .fragments import styled

WIDTH, HEIGHT, EDGE = 160, 80, 5  # of a plot, in pixels


def ask(
    question: str,
    right: str,
    why: Mapping[str, str],
    curves: Mapping[str, pd.Series | pd.DataFrame] | None = None,
    line: float | None = None,
) -> HTML:
    """A question whose choices are small plots, or names.

    Args:
        question: what is asked, with what the plots show.
        right: name of the right choice.
        why: what is said about each choice, by name, once it is chosen.
        curves: what is plotted for each choice, y by x; columns (seeds) are averaged.
        line: an x to mark in every plot.

    Raises:
        InputError: the names do not agree.
    """
    if right not in why or set(curves or why) != set(why):
        raise InputError(
            f"right={right!r} and the curves {', '.join(curves or why)} do not go with "
            f"{', '.join(why)}: use the same names."
        )
    plots, scale = _plots(curves, line) if curves else ({}, "")
    order = sorted(why, key=lambda name: sha256((question + name).encode()))
    choices = "".join(
        _choice(f"{letter} ", name, plots.get(name), name == right, why[name])
        for letter, name in zip("ABCDEF", order, strict=False)
    )
    asked = f"<p>{html.escape(question)} <small>{scale}</small></p>"
    return HTML(f'<div class="cplib-ask">{styled("questions")}{asked}{choices}</div>')


def _choice(letter: str, name: str, plot: str | None, right: bool, why: str) -> str:
    """A choice, folded; the name of a plot is part of the answer."""
    kind, said = ("right", _("Right")) if right else ("no", _("No"))
    name = html.escape(name)
    shown, answer = (plot, f"{said}: {name}.") if plot else (name, f"{said}.")
    return (
        f'<details class="{kind}"><summary data-lm-suppress-shortcuts="true">{letter}'
        f"{shown}</summary><p><b>{answer}</b> {html.escape(why)}</p></details>"
    )


def _plots(curves: Mapping, line: float | None) -> tuple[dict[str, str], str]:
    """The plots by name, all on one scale, and that scale in words."""
    means = {k: c.mean(axis=1) if c.ndim > 1 else c for k, c in curves.items()}
    every = pd.concat(means.values())
    x, y = (every.index.min(), every.index.max()), (every.min(), every.max())
    low, high = (round(float(end), 1) + 0.0 for end in y)  # never -0.0
    scale = _(
        "All plots: {left:g} to {right:g} across, {low:.0f} to {high:.0f} upwards.",
        left=x[0], right=x[1], low=low, high=high,
    )  # fmt: skip
    return {name: _plot(mean, x, y, line) for name, mean in means.items()}, scale


def _plot(mean: pd.Series, x: tuple, y: tuple, line: float | None) -> str:
    """A curve as SVG on the ranges `x` and `y`, with its numbers as alt text."""

    def place(value: float, ends: tuple, size: int) -> float:
        return EDGE + (value - ends[0]) / (ends[1] - ends[0] or 1) * (size - 2 * EDGE)

    points = " ".join(
        f"{place(at, x, WIDTH):.1f},{HEIGHT - place(value, y, HEIGHT):.1f}"
        for at, value in mean.items()
    )
    mark = (
        "" if line is None else f'<path d="M{place(line, x, WIDTH):.1f} 0V{HEIGHT}"/>'
    )
    first, last, low, high = (
        _("{value:.3g} at {place:g}", value=mean[at], place=at)
        for at in (mean.index[0], mean.index[-1], mean.idxmin(), mean.idxmax())
    )
    alt = _("from {first} to {last}; lowest {low}, highest {high}", first=first,
            last=last, low=low, high=high)  # fmt: skip
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{alt}">{mark}<polyline points="{points}"/></svg>'
    )
