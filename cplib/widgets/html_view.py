"""The explorer of deficit timing as a page that needs no kernel."""

from __future__ import annotations

import html

import matplotlib as mpl
import numpy as np

from ..figures.examples import Examples, png_uri
from ..figures.palette import LABELS, LOOKS
from ..figures.panel import Panel
from .fragments import replaceable, standalone
from .outcomes import SEES, YARDSTICKS, Ending, Timeline, Trace
from .static_view import CLEAN_DASHES, DASHES, greatest_change, limits, top

__all__ = ["page"]


def page(
    timeline: Timeline, examples: Examples, panel: Panel, trace: Trace, yardstick: str
) -> str:
    """The explorer as HTML that stands alone: no kernel, no network, no other file.

    Where scripts run, they replace the picture of `panel`, the state of `trace`, by
    controls and charts; elsewhere the panel stays, with its caption and its data.
    """
    # the words: for small screens, on which the letters in the picture are tiny
    words = f"<p>{html.escape(panel.alt)}</p>"
    data = payload(timeline, examples, trace, yardstick)
    missing = "move the window of deficit and see what it costs"
    return standalone("timing", data, replaceable(panel._repr_html_()), missing, words)


def payload(
    timeline: Timeline, examples: Examples, trace: Trace, yardstick: str
) -> dict:
    """All that the page's script needs; accuracies as integers, in tenths of a %."""
    return {
        "start": {
            "kind": trace.kind,
            "onset": trace.onset,
            "removal": trace.removal,
            "epoch": sum(trace.window) // 2,
            "yardstick": yardstick,
        },
        "yardsticks": YARDSTICKS,
        "clean": _curve(timeline.clean),
        "kinds": {
            kind: {
                "label": LABELS[kind],
                "colour": mpl.colors.to_hex(LOOKS[kind][0]),
                "dashes": DASHES[LOOKS[kind][2]],
                "runs": [_packed(timeline, t) for t in traces],
            }
            for kind, traces in timeline.runs.items()
        },
        "cleanDashes": CLEAN_DASHES,
        "top": top(timeline),
        "limits": limits(timeline),
        "greatest": {y: greatest_change(timeline, y) for y in YARDSTICKS},
        "sees": {
            kind: {
                "words": SEES[kind],
                "told": examples.told[kind],
                "images": _uris(examples, kind),
            }
            for kind in ("none", *timeline.runs)
        },
    }


def _packed(timeline: Timeline, trace: Trace) -> dict:
    return _curve(trace) | {
        "onset": trace.onset,
        "removal": trace.removal,
        "final": _ending(trace.final),
        "ending": timeline.ending(trace),
        "against": {
            yardstick: {
                "final": _ending(trace.without[yardstick]),
                "change": round(10 * trace.changes[yardstick].mean),
                "verdict": timeline.verdict(trace, yardstick),
            }
            for yardstick in YARDSTICKS
        },
    }


def _curve(trace: Trace) -> dict:
    sd = None if trace.sd is None else _integers(trace.sd)
    return {"mean": _integers(trace.mean), "sd": sd}


def _ending(ending: Ending) -> dict:
    mean, sd = (None if v is None else round(10 * v) for v in ending.over)
    return {"mean": mean, "sd": sd, "seeds": _integers(ending.seeds)}


def _uris(examples: Examples, kind: str) -> list[str] | None:
    """The pictures of `kind`; None where they are the clean ones."""
    images = examples.images[kind]
    if kind != "none" and np.array_equal(images, examples.images["none"]):
        return None
    return [png_uri(image) for image in images]


def _integers(percent) -> list[int]:
    return [round(10 * float(value)) for value in percent]
