"""The front page: one image, one slider, one sentence.

The slider says when blur from birth ends. The image shows what the network sees over
its life and how well it learns; the sentence says what becomes of it.
"""

import html
from dataclasses import dataclass, replace

import matplotlib as mpl

from .._base.words import translated as _
from ..deficits import Blur
from ..errors import InputError
from ..figures import removal_sweep
from ..figures.examples import Examples, examples, png_uri
from ..figures.panel import Panel
from ..results import Result
from .fragments import replaceable, standalone
from .outcomes import TIE, Interval, Outcome, Outcomes, averaged


def front_page(result: Result) -> "FrontPage":
    """The front page of a study of blur from birth (1TL).

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
    seeds = len(result.seeds)
    caption = _(
        "Test accuracy over the life of networks that were blurred from birth until "
        "some epoch, then shown sharp images for {clean} epochs ({seeds}); dashed: "
        "never blurred. Final accuracies are means of the last 5 epochs. {note}",
        clean=result.study.clean_epochs, seeds=averaged(seeds), note=shown.note,
    )  # fmt: skip
    panel = replace(removal_sweep(result), caption=caption)
    return FrontPage(outcomes, blurred, shown, panel)


@dataclass(frozen=True)
class FrontPage:
    """Shown as HTML that needs no kernel and no network; see `front_page`.

    Attributes:
        outcomes: the numbers.
        blurred: the runs that one can choose, by their removal.
        shown: one image, as the network sees it with and without blur.
        panel: the figure for where scripts are off; its data are there in any case.
    """

    outcomes: Outcomes
    blurred: list[Outcome]
    shown: Examples
    panel: Panel

    def sentence(self, outcome: Outcome | None) -> str:
        """What became of the network; None: of the one that was never blurred."""
        clean = self.outcomes.result.study.clean_epochs
        final = self.outcomes.clean.final
        if outcome is None:
            return _(
                "Never blurred, the network names {final} of new images correctly "
                "after {clean} epochs.", final=_percent(final), clean=clean
            )  # fmt: skip
        return _(
            "Blurred until epoch {removal}, then shown sharp images for {clean} "
            "epochs, the network names {own} of new images correctly; one that was "
            "never blurred names {final} after the same {clean} sharp epochs, and "
            "{control} at the same age.",
            removal=outcome.run.removal, clean=clean, own=_percent(outcome.final),
            final=_percent(final), control=_percent(outcome.without["control"]),
        )  # fmt: skip

    def data(self) -> dict:
        """What the script needs; accuracies in %."""
        clean, images = self.outcomes.clean, self.shown.images
        never = {
            "removal": 0,
            "mean": clean.mean[: self.outcomes.result.study.clean_epochs + 1],
            "final": clean.final.mean,
            "sentence": self.sentence(None),
        }
        blurred = [
            {
                "removal": outcome.run.removal,
                "mean": outcome.mean,
                "final": outcome.final.mean,
                "control": outcome.without["control"].mean,
                "sentence": self.sentence(outcome),
            }
            for outcome in self.blurred
        ]
        return {
            "colour": mpl.colors.to_hex(Blur.look.colour),
            "clean": clean.mean,
            "sharp": png_uri(images["none"][0]),
            "blurred": png_uri(images[Blur.kind][0]),
            "runs": [never, *blurred],
        }

    def _repr_html_(self) -> str:
        words = f"<p>{html.escape(self.sentence(self.blurred[-1]))}</p>"
        inside = replaceable(self.panel._repr_html_())
        missing = _("choose with a slider when blur ends")
        return standalone("glimpse", self.data(), inside, missing, words)


def _percent(accuracy: Interval) -> str:
    return f"{accuracy.mean:.1f}{TIE}%"
