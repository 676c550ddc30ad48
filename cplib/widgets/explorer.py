"""Explorers for notebooks: ipywidgets in a live kernel, plain HTML on a page."""

from __future__ import annotations

import base64
import html
from functools import cached_property

import ipywidgets as ipw

from ..errors import CplibError, InputError
from ..figures.examples import Examples, examples
from ..figures.palette import LABELS
from ..figures.panel import Panel
from ..results import Result
from .html_view import page
from .live import with_window
from .outcomes import YARDSTICKS, Timeline, Trace, nearest
from .static_view import state_panel

__all__ = ["TimingExplorer", "explore"]

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def explore(
    result: Result,
    *,
    deficit: str = "blur",
    onset: int | None = None,
    removal: int | None = None,
    images: int = 4,
    against: str = "baseline",
) -> TimingExplorer:
    """Explore when a deficit matters, from numbers that are there.

    In a live kernel a window that is not there can be trained, which takes a while.

    Args:
        result: of study "timing", or of any other whose runs have windows of deficit,
            as "1TL" and "1BL"; only its windows can be chosen.
        deficit: kind shown at first.
        onset, removal: window shown at first; default: the earliest onset, the last
            removal.
        images: number of example pictures, 1 to 6.
        against: the network without deficit that is compared with at first, after as
            many clean epochs ("baseline") or as many epochs in all ("control").

    Raises:
        InputError: for a deficit or window that the result lacks, an unknown
            `against`, or a result without windows.
    """
    if against not in YARDSTICKS:
        raise InputError(f"against={against!r}: choose one of {', '.join(YARDSTICKS)}.")
    timeline = Timeline(result)
    trace = timeline.choose(deficit, onset, removal)
    pictures = examples(result.study, images, result.seeds[0])
    return TimingExplorer(timeline, pictures, trace, against)


class TimingExplorer:
    """Shown by a live front end as ipywidgets, and on a page as HTML; see `explore`.

    Attributes:
        timeline: the numbers.
        trace: the run that is shown now, `epoch` the cursor in it.
        controls: the widgets "deficit", "onset", "removal", "epoch", "against".
        trainer: the widgets "onset", "removal", "button" and "report", to train a
            window that is not there.
        view: the widget that shows the picture and the words.
        box: all of these, and the caption.
        panel: the static figure of the first state.
        html: the page's explorer, which starts in that state.
    """

    def __init__(
        self, timeline: Timeline, pictures: Examples, start: Trace, against: str
    ):
        self.timeline, self._pictures = timeline, pictures
        self._start, self._against = start, against
        self.trace, self.epoch = start, sum(start.window) // 2
        self.panel = state_panel(timeline, pictures, start, self.epoch, against)
        self.controls = {
            "deficit": ipw.Dropdown(
                options=[(LABELS[kind], kind) for kind in timeline.runs],
                value=start.kind,
                description="Deficit",
            ),
            "onset": ipw.SelectionSlider(options=[0], description="Onset"),
            "removal": ipw.SelectionSlider(options=[0], description="Removal"),
            "epoch": ipw.IntSlider(min=0, max=self.epoch, description="Epoch"),
            "against": ipw.Dropdown(
                options=[(words, name) for name, words in YARDSTICKS.items()],
                value=against,
                description="Against",
            ),
        }
        self.view = ipw.HTML()
        for control in self.controls.values():
            control.layout = ipw.Layout(width="auto", max_width="32em")
        caption = ipw.HTML(f"<p><small>{html.escape(self.panel.caption)}</small></p>")
        self.trainer = {
            "onset": ipw.IntText(value=start.onset, description="Onset"),
            "removal": ipw.IntText(value=start.removal, description="Removal"),
            "button": ipw.Button(description="Train this window"),
            "report": ipw.Output(),
        }
        self.trainer["button"].on_click(lambda _: self._train())
        title = ipw.HTML("<p>Another window, of the deficit chosen above:</p>")
        more = ipw.VBox([title, *self.trainer.values()])
        self.box = ipw.VBox([*self.controls.values(), self.view, caption, more])
        self._busy = False
        self._show(self.panel)
        for name, control in self.controls.items():
            control.observe(lambda change, name=name: self._moved(name), "value")

    @cached_property
    def html(self) -> str:
        """The explorer for a page without a kernel."""
        start = self._start, self._against
        return page(self.timeline, self._pictures, self.panel, *start)

    def _moved(self, name: str) -> None:
        """Follow the control `name`; the others are set to what goes with it."""
        if self._busy:  # it is this class that moves it
            return
        wanted = {key: control.value for key, control in self.controls.items()}
        if name not in ("epoch", "against"):
            keep = "removal" if name == "removal" else "onset"
            traces = self.timeline.runs[wanted["deficit"]]
            self.trace = nearest(traces, wanted["onset"], wanted["removal"], keep=keep)
        self.epoch = min(wanted["epoch"], self.trace.epochs)
        self._show(self._state())

    def _state(self) -> Panel:
        state = self.trace, self.epoch, self.controls["against"].value
        return state_panel(self.timeline, self._pictures, *state)

    def _train(self) -> None:
        """Train the window that is asked for, and show it; say so if it cannot be."""
        button, report = self.trainer["button"], self.trainer["report"]
        window = self.trainer["onset"].value, self.trainer["removal"].value
        report.clear_output()
        button.disabled = True
        try:
            with report:
                result = with_window(self.timeline.result, self.trace.kind, *window)
            timeline = Timeline(result)
            trace = timeline.choose(self.trace.kind, *window)
        except CplibError as error:
            report.append_stdout(f"{error}\n")
            return
        finally:
            button.disabled = False
        self.timeline, self.trace = timeline, trace
        self.epoch = sum(window) // 2
        self._show(self._state())

    def _show(self, panel: Panel) -> None:
        """Set the controls and the view to the present state."""
        trace, traces = self.trace, self.timeline.runs[self.trace.kind]
        self._busy = True
        for name in ("onset", "removal"):
            control = self.controls[name]
            epochs = sorted({getattr(t, name) for t in traces})
            options = tuple((f"epoch {epoch}", epoch) for epoch in epochs)
            if control.options != options:
                control.options = options
            control.value = getattr(trace, name)
            control.disabled = len(options) == 1
        self.controls["epoch"].max = trace.epochs
        self.controls["epoch"].value = self.epoch
        self._busy = False
        words = (
            self.timeline.now(trace, self.epoch),
            self.timeline.ending(trace),
        )
        self.view.value = _quick_image(panel) + "".join(
            f"<p>{html.escape(sentence)}</p>" for sentence in words
        )

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        """Widgets for those who can show them, HTML for the others."""
        # built here, since ipywidgets 7 gives no bundle of its own
        view = {"version_major": 2, "version_minor": 0, "model_id": self.box.model_id}
        return {
            "text/plain": f"TimingExplorer of study {self.timeline.result.study.name}",
            "text/html": self.html,
            WIDGET_VIEW: view,
        }


def _quick_image(panel: Panel) -> str:
    """The panel's picture as it is; to trim its margins would take as long again."""
    source = base64.b64encode(panel.svg(trimmed=False)).decode()
    return (
        f'<img src="data:image/svg+xml;base64,{source}" style="max-width: 100%" '
        f'alt="{html.escape(panel.alt, quote=True)}">'
    )
