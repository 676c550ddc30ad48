"""The front page: one image, one slider, one sentence.

The slider says when blur from birth ends. The image shows what the network sees over
its life and how well it learns; the sentence says what becomes of it.
"""

import html
from dataclasses import replace

import matplotlib as mpl
from IPython.display import HTML

from .._base.words import translated as _
from ..deficits import Blur
from ..errors import InputError
from ..figures import removal_sweep
from ..figures.examples import examples, png_uri
from ..results import Result
from .fragments import replaceable, standalone
from .outcomes import TIE, Interval, Outcome, Outcomes, averaged


def front_page(result: Result) -> HTML:
    """The front page of a study of blur from birth (1TL): no kernel, no network.

    Where scripts are off it has the figure of the study; its data are there in any
    case.

    Raises:
        InputError: no run of the result is blurred from birth.
    """
    outcomes = Outcomes(result)
    blurred = [o for o in outcomes.groups.get(Blur.kind, ()) if o.run.onset == 0]
    if not blurred:
        raise InputError(
            f"Study {result.study.name!r} has no run with blur from birth: give the "
            "result of '1TL'."
        )
    shown = examples(result.study, 1, result.seeds[0])
    caption = _(
        "Test accuracy over the life of networks that were blurred from birth until "
        "some epoch, then shown sharp images for {clean} epochs ({seeds}); dashed: "
        "never blurred. Final accuracies are means of the last 5 epochs. {note}",
        clean=result.study.clean_epochs, seeds=averaged(len(result.seeds)),
        note=shown.note,
    )  # fmt: skip
    panel = replace(removal_sweep(result), caption=caption)
    runs = _runs(outcomes, blurred)
    data = {  # accuracies in %
        "colour": mpl.colors.to_hex(Blur.look.colour),
        "clean": outcomes.clean.mean,
        "sharp": png_uri(shown.images["none"][0]),
        "blurred": png_uri(shown.images[Blur.kind][0]),
        "runs": runs,
    }
    words = f"<p>{html.escape(runs[-1]['sentence'])}</p>"
    missing = _("choose with a slider when blur ends")
    inside = replaceable(panel._repr_html_())
    return HTML(standalone("front-page", data, inside, missing, words))


def _runs(outcomes: Outcomes, blurred: list[Outcome]) -> list[dict]:
    """The run that was never blurred, and those that one can choose."""
    never, clean = outcomes.clean, outcomes.result.study.clean_epochs
    said = _(
        "Never blurred, the network names {final} of new images correctly after "
        "{clean} epochs.", final=_percent(never.final), clean=clean
    )  # fmt: skip
    first = {"removal": 0, "mean": never.mean[: clean + 1], "final": never.final.mean}
    return [first | {"sentence": said}, *(_chosen(o, never, clean) for o in blurred)]


def _chosen(outcome: Outcome, never: Outcome, clean: int) -> dict:
    """A run that one can choose by its removal, and what became of its network."""
    control = outcome.without["control"]
    sentence = _(
        "Blurred until epoch {removal}, then shown sharp images for {clean} "
        "epochs, the network names {own} of new images correctly; one that was "
        "never blurred names {final} after the same {clean} sharp epochs, and "
        "{control} at the same age.",
        removal=outcome.run.removal, clean=clean, own=_percent(outcome.final),
        final=_percent(never.final), control=_percent(control),
    )  # fmt: skip
    return {
        "removal": outcome.run.removal,
        "mean": outcome.mean,
        "final": outcome.final.mean,
        "control": control.mean,
        "sentence": sentence,
    }


def _percent(accuracy: Interval) -> str:
    return f"{accuracy.mean:.1f}{TIE}%"
