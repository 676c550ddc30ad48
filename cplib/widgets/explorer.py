"""The explorer: HTML for any page, and in a live kernel a window more to train."""

from dataclasses import replace

import ipywidgets as ipw
import pandas as pd

from .. import results
from .._base.plain import choose
from ..analysis.effects import REFERENCES
from ..deficits import Deficit
from ..errors import CplibError, InputError
from ..figures.examples import Examples, examples
from ..results import Result
from ..studies import Run
from .html_view import page
from .outcomes import Outcome, Outcomes
from .static_view import state_panel

ENDS = ("onset", "removal")
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def explore(
    result: Result,
    *,
    deficit: str | None = None,
    onset: int | None = None,
    removal: int | None = None,
    images: int = 4,
    against: str = "baseline",
) -> "Explorer":
    """Explore what a deficit costs, by when it begins and ends.

    All runs of the result can be chosen. In a live kernel another window can be
    trained, which takes a while.

    Args:
        result: of any study with a deficit, such as "timing", "1TL" or your own.
        deficit: shown at first, by its name in tables; default: the study's first.
        onset, removal: window shown at first; default: the earliest onset, the last
            removal.
        images: number of example images, 1 to 6.
        against: the network without deficit that is compared with at first: the
            "baseline" (same clean training) or the "control" (same age).

    Raises:
        InputError: for a deficit or window that the result lacks, an unknown
            `against`, or a result without a deficit.
    """
    choose("reference", against, REFERENCES)
    outcomes = Outcomes(result)
    start = outcomes.choose(deficit, onset, removal)
    shown = examples(result.study, images, result.seeds[0])
    return Explorer(outcomes, shown, start, against)


class Explorer:
    """Shown as HTML, and by a live front end with widgets below it; see `explore`.

    Attributes:
        outcomes: the numbers.
        start: the run that is shown first.
        panel: that state as a static figure.
        html: the explorer for a page without a kernel.
        trainer: the widgets "deficit", "onset", "removal", "button" and "report", to
            train a window that is not there.
        box: the HTML and these widgets.
    """

    def __init__(
        self, outcomes: Outcomes, shown: Examples, start: Outcome, against: str
    ):
        self._examples, self._against = shown, against
        deficits = _deficits(outcomes.result)
        first = start.run.windows[0]
        ends = {"min": 0, "max": _longest(outcomes.result)}
        self.trainer = {
            "deficit": ipw.Dropdown(
                options=[(d.title, name) for name, d in deficits.items()],
                value=first.deficit.name,
                description="Deficit",
            ),
            "onset": ipw.IntSlider(first.onset, **ends, description="Onset"),
            "removal": ipw.IntSlider(first.removal, **ends, description="Removal"),
            "button": ipw.Button(description="Train this window"),
            "report": ipw.Output(),
        }
        self.trainer["button"].on_click(lambda _: self._train())
        title = ipw.HTML("<p>Another window of deficit, to train here and now:</p>")
        self._view = ipw.Output()
        self.box = ipw.VBox([self._view, title, *self.trainer.values()])
        self._show(outcomes, start)

    def _show(self, outcomes: Outcomes, start: Outcome) -> None:
        self.outcomes, self.start = outcomes, start
        self.panel = state_panel(outcomes, self._examples, start, self._against)
        self.html = page(outcomes, self._examples, self.panel, start, self._against)
        data = {"text/html": self.html, "text/plain": repr(self)}
        output = {"output_type": "display_data", "data": data, "metadata": {}}
        self._view.outputs = (output,)

    def _train(self) -> None:
        """Train the window that is asked for, and show it; say so if it cannot be."""
        button, report = self.trainer["button"], self.trainer["report"]
        name, *window = (self.trainer[part].value for part in ("deficit", *ENDS))
        result = self.outcomes.result
        clean = result.study.clean_epochs
        report.clear_output()
        button.disabled = True
        try:
            with report:
                run = Run([(_deficits(result)[name], *window)], window[1] + clean)
                result = with_run(result, run)
            outcomes = Outcomes(result)
            self._show(outcomes, outcomes.choose(name, *window))
        except CplibError as error:
            report.append_stdout(f"{error}\n")
        finally:
            button.disabled = False

    def __repr__(self) -> str:
        return f"Explorer of study {self.outcomes.result.study.name}"

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        """Widgets for those who can show them, HTML for the others."""
        # built here, since ipywidgets 7 gives no bundle of its own
        view = {"version_major": 2, "version_minor": 0, "model_id": self.box.model_id}
        return {"text/plain": repr(self), "text/html": self.html, WIDGET_VIEW: view}


def with_run(result: Result, run: Run, **options) -> Result:
    """`result` with one more run, trained from birth for each of its seeds.

    A run that is there already is not trained again.

    Args:
        result: of a study whose clean run is at least as long.
        run: what to train; it has a deficit.
        **options: of `results.compute`: device, workers, progress.

    Raises:
        InputError: the run is longer than the clean one, or no epoch has its deficit.
    """
    study = result.study
    if run.onset >= run.removal or run.epochs > study.runs[0].epochs:
        raise InputError(
            f"{run.title} cannot be compared: choose a removal after the onset, and "
            f"not after epoch {_longest(result)}."
        )
    if run in study.runs:
        return result
    fresh = results.compute(replace(study, runs=(run,)), result.seeds, **options)
    rows = fresh.table.assign(run=len(study.runs))
    table = pd.concat([result.table, rows], ignore_index=True)
    more = replace(study, runs=(*study.runs, run))
    return Result(more, table, result.provenance, result.live)


def _deficits(result: Result) -> dict[str, Deficit]:
    return {d.name: d for run in result.study.runs for d in run.deficits}


def _longest(result: Result) -> int:
    """The last epoch at which a deficit can end: the clean run is no longer."""
    return result.study.runs[0].epochs - result.study.clean_epochs
