"""The explorer as HTML that needs no kernel."""

import html

import matplotlib as mpl
import numpy as np

from .._base.words import translated as _
from ..analysis.effects import REFERENCES
from ..deficits import Deficit
from ..figures.examples import Examples, png_uri
from ..figures.panel import Panel
from .fragments import replaceable, standalone
from .outcomes import WORDS, Outcome, Outcomes, listed

# dashes and gaps of the lines, in pixels, by matplotlib's name
DASHES = {"-": [], "--": [12, 4], "-.": [12, 4, 2, 4], ":": [2, 4]}
OTHER_DASHES, CLEAN_DASHES = [8, 2], [5, 3]


def page(
    outcomes: Outcomes, examples: Examples, panel: Panel, start: Outcome, against: str
) -> str:
    """The explorer as HTML that works alone: no kernel, no network, no other file.

    Where scripts run, they replace the image of `panel`, the state of `start`, by
    controls and charts; elsewhere the panel stays, with its caption and its data.
    """
    # the words: for small screens, on which the letters in the image are tiny
    words = f"<p>{html.escape(panel.alt)}</p>"
    data = payload(outcomes, examples, start, against)
    missing = _("move the window of deficit and see what it costs")
    figure = replaceable(panel._repr_html_())
    return standalone("explorer", data, figure, missing, words)


def payload(
    outcomes: Outcomes, examples: Examples, start: Outcome, against: str
) -> dict:
    """All that the page's script needs; accuracies in %, intervals as triples."""
    groups, study, clean = outcomes.groups, outcomes.result.study, outcomes.clean
    phases = list({phase: 0 for o in outcomes.all for _, phase in o.phases()})
    deficits = {d.name: d for o in outcomes.all for d in o.run.deficits}
    return {
        "name": f"{study.name}-{study.scale}",
        "start": {
            "group": list(groups).index(start.run.name),
            "run": groups[start.run.name].index(start),
            "epoch": start.middle,
            "against": against,
        },
        "comparisons": REFERENCES,
        "words": WORDS,
        "phases": phases,  # each once: words, and the deficit's name
        "clean": {"mean": clean.mean, "half": clean.half, "dashes": CLEAN_DASHES},
        "groups": [
            {
                "name": name,
                "label": group[0].run.label,
                "dashes": DASHES.get(group[0].run.deficits[0].look.dash, OTHER_DASHES),
                "listed": listed(group),
                "runs": [_run(outcomes, outcome, phases) for outcome in group],
            }
            for name, group in groups.items()
        ],
        "sees": {
            name: {
                "words": deficit.sees,
                "colour": mpl.colors.to_hex(deficit.look.colour),
                "told": examples.told[name],
                "images": _uris(examples, name),
            }
            for name, deficit in {"none": Deficit(), **deficits}.items()
        },
    }


def _run(outcomes: Outcomes, outcome: Outcome, phases: list) -> dict:
    run = outcome.run
    return {
        "mean": outcome.mean,
        "half": outcome.half,
        "title": run.title,
        "windows": [(w.deficit.name, w.onset, w.removal) for w in run.windows],
        "phases": [(end, phases.index(told)) for end, told in outcome.phases()],
        "final": outcome.final,
        "ending": outcomes.ending(outcome),
        "without": outcome.without,
        "changes": {name: c.mean for name, c in outcome.changes.items()},
        "verdicts": {name: c.verdict for name, c in outcome.changes.items()},
    }


def _uris(examples: Examples, name: str) -> list[str] | None:
    """The images under deficit `name`; None where they are the clean ones."""
    images = examples.images[name]
    if name != "none" and np.array_equal(images, examples.images["none"]):
        return None
    return [png_uri(image) for image in images]
