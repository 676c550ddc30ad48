"""The front page: one picture, one slider, one sentence.

The slider says when blur from birth ends. The picture shows what the network sees over
its life and how well it learns; the sentence says what becomes of it.
"""

from __future__ import annotations

import html
from dataclasses import dataclass, replace

import matplotlib as mpl

from ..errors import InputError
from ..figures import origin, removal_sweep
from ..figures.examples import Examples, examples, png_uri
from ..figures.palette import LOOKS
from ..figures.panel import Panel
from ..results import Result
from .fragments import replaceable, standalone
from .outcomes import TIE, Ending, Timeline, Trace

__all__ = ["FrontPage", "front_page"]


def front_page(result: Result) -> FrontPage:
    """The front page's part of a study of blur from birth (1TL).

    Raises:
        InputError: when no run of the result is blurred.
    """
    timeline = Timeline(result)
    if "blur" not in timeline.runs:
        raise InputError(
            f"Study {result.study.name!r} has no run with blur: give the result of "
            "'1TL'."
        )
    pictures = examples(result.study, 1, result.seeds[0])
    seeds = len(result.seeds)
    caption = (
        "Test accuracy over the life of networks that were blurred from birth until "
        f"some epoch, then shown sharp pictures for {result.study.clean_epochs} epochs "
        f"({'one seed' if seeds == 1 else f'mean of {seeds} seeds'}); dashed: never "
        "blurred. Final accuracies are means of the last 5 epochs. "
        f"{origin(result)} {pictures.note}"
    )
    panel = replace(removal_sweep(result), caption=caption)
    return FrontPage(timeline, pictures, panel)


@dataclass(frozen=True)
class FrontPage:
    """Shown as HTML that needs no kernel and no network; see `front_page`.

    Attributes:
        timeline: the numbers.
        pictures: one picture, as the network sees it with and without blur.
        panel: the figure for where scripts are off; its data are there in any case.
    """

    timeline: Timeline
    pictures: Examples
    panel: Panel

    @property
    def traces(self) -> list[Trace]:
        """The runs that one can choose, by their removal."""
        return [trace for trace in self.timeline.runs["blur"] if trace.onset == 0]

    def sentence(self, trace: Trace | None) -> str:
        """What became of the network; None: of the one that was never blurred."""
        clean, healthy = self._clean_epochs, self.timeline.clean.final
        if trace is None:
            return (
                f"Never blurred, the network names {_percent(healthy)} of new pictures "
                f"correctly after {clean} epochs."
            )
        return (
            f"Blurred until epoch {trace.removal}, then shown sharp pictures for "
            f"{clean} epochs, the network names {_percent(trace.final)} of new "
            f"pictures correctly; one that was never blurred names {_percent(healthy)} "
            f"after the same {clean} sharp epochs, and "
            f"{_percent(trace.without['control'])} at the same age."
        )

    def data(self) -> dict:
        """What the script needs; accuracies in %."""
        clean = self.timeline.clean
        blurred, sharp = (png_uri(self.pictures.images[k][0]) for k in ("blur", "none"))
        return {
            "colour": mpl.colors.to_hex(LOOKS["blur"][0]),
            "clean": list(clean.mean),
            "top": 10 * (int(max(map(max, self._curves()))) // 10 + 1),
            "sharp": sharp,
            "blurred": blurred,
            "runs": [
                {
                    "removal": 0,
                    "mean": list(clean.mean[: self._clean_epochs + 1]),
                    "final": clean.final.over.mean,
                    "sentence": self.sentence(None),
                },
                *(
                    {
                        "removal": trace.removal,
                        "mean": list(trace.mean),
                        "final": trace.final.over.mean,
                        "control": trace.without["control"].over.mean,
                        "sentence": self.sentence(trace),
                    }
                    for trace in self.traces
                ),
            ],
        }

    @property
    def _clean_epochs(self) -> int:
        return self.timeline.result.study.clean_epochs

    def _curves(self) -> list:
        return [trace.mean for trace in (self.timeline.clean, *self.traces)]

    def _repr_html_(self) -> str:
        words = f"<p>{html.escape(self.sentence(self.traces[-1]))}</p>"
        inside = replaceable(self.panel._repr_html_())
        missing = "choose with a slider when blur ends"
        return standalone("glimpse", self.data(), inside, missing, words)


def _percent(ending: Ending) -> str:
    return f"{ending.over.mean:.1f}{TIE}%"
