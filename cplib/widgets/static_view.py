"""The explorer's first state as a static figure."""

import textwrap

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .._base.words import translated as _
from ..analysis.effects import REFERENCES
from ..deficits import Deficit
from ..figures import origin
from ..figures.examples import Examples
from ..figures.marks import legend, mean, percent, rows
from ..figures.palette import INK
from ..figures.panel import Panel, worded
from ..figures.shapes import heat, shaded
from .outcomes import Outcome, Outcomes, averaged, listed


def state_panel(
    outcomes: Outcomes, examples: Examples, outcome: Outcome, against: str
) -> Panel:
    """The run `outcome`, in the middle of its deficit, compared with `against`."""
    seeds, epoch = len(outcome.final.seeds), outcome.middle
    other = next(words for name, words in REFERENCES.items() if name != against)
    return worded(
        "state", _figure(outcomes, examples, outcome, against), outcomes.table(),
        sight=outcome.sight(epoch), now=outcomes.now(outcome, epoch),
        ending=outcomes.ending(outcome), clean=outcomes.result.study.clean_epochs,
        band=averaged(seeds) + _(", band: 95 % interval") * (seeds > 1),
        reference=REFERENCES[against], other=other, note=examples.note,
        origin=origin(outcomes.result),
    )  # fmt: skip


def _figure(
    outcomes: Outcomes, examples: Examples, outcome: Outcome, against: str
) -> Figure:
    """Example images, learning curves, and what each window costs, in a column."""
    run, curve = outcome.run, outcomes.result.curve
    lost = _lost(outcomes.groups[run.name], against)
    impaired, unimpaired = _("with {deficit}", deficit=run.label), _("without deficit")
    final = _(
        "final accuracy\nafter {deficit}: {final}\nwithout deficit: {other}\n{change}",
        deficit=run.label, final=outcome.final.percent,
        other=outcome.without[against].percent, change=outcome.changes[against].verdict,
    )  # fmt: skip
    high = 1.4 + 0.32 * lost["removal"].nunique()
    with rows(1.1, 2.9, high) as (figure, (tiles, curves, costs)):
        _examples(tiles, examples, outcome)
        mean(curves, 100 * curve(outcomes.clean.run), Deficit.look, unimpaired)
        mean(curves, 100 * curve(run), run.deficits[0].look, impaired)
        shaded(curves, [run])
        curves.axvline(outcome.middle, ymax=0.9, color=INK, linewidth=1)
        curves.set(xlabel=_("epochs of training"))
        percent(curves)
        now = textwrap.fill(outcome.sight(outcome.middle), 40)
        legend(curves, title=now, alignment="left")
        _costs(costs, lost, outcome)
        costs.set_title(f"{final}\n\n{_('points lost')}", loc="left")
    return figure


def _examples(axes: Axes, examples: Examples, outcome: Outcome) -> None:
    """Draw the images in place of `axes`, each with its class and what it is called."""
    seen, told = outcome.run.sees(outcome.middle).name, examples.told
    place = axes.get_subplotspec().subgridspec(1, len(told[seen]))
    axes.remove()
    tiles = place.subplots(squeeze=False)[0]
    shown = zip(tiles, examples.images[seen], told["none"], told[seen], strict=True)
    for ax, image, true, said in shown:
        ax.imshow(image, interpolation="nearest")
        words = _("class {true}", true=true)
        if true != said:
            words = _("class {true},\ncalled {said}", true=true, said=said)
        ax.set(xlabel=words, xticks=[], yticks=[])
        ax.spines[:].set_visible(False)


def _costs(axes: Axes, table: pd.DataFrame, outcome: Outcome) -> None:
    """Draw the points lost of `_lost`, with a frame around those of `outcome`."""
    heat(axes, table, max(1, table["mean"].abs().max()))
    own = table.loc[outcome.run.title]
    x, y = (sorted(set(table[end])).index(own[end]) for end in ("onset", "removal"))
    axes.add_patch(Rectangle((x, y), 1, 1, fill=False, edgecolor=INK, linewidth=2))
    axes.set_aspect("auto")
    if "" not in set(table["onset"]):
        axes.set(xlabel=_("onset (epoch)"), ylabel=_("removal (epoch)"))


def _lost(group: list[Outcome], against: str) -> pd.DataFrame:
    """Points lost by run of `group`, at its onset and removal, or else its title."""
    cells, column = {}, listed(group)
    for outcome in group:
        run = outcome.run
        place = ("", run.title) if column else (run.onset, run.removal)
        cells[run.title] = (*place, -outcome.changes[against].mean)
    names = ["onset", "removal", "mean"]
    return pd.DataFrame.from_dict(cells, orient="index", columns=names)
