"""The laboratory: networks that the reader's browser trains, with and without a kernel.

`static/lab` has the engine, the worker around it and the page's scripts; what is trained
comes from here, so that page and package cannot drift apart.
"""

from __future__ import annotations

import base64
from dataclasses import asdict, dataclass
from importlib import resources

from .. import deficits, studies
from ..data.gratings import make_gratings
from ..errors import InputError
from ..studies import SCALES, Study, sweep
from .fragments import standalone

__all__ = ["Laboratory", "laboratory"]

CHOICE = {
    **{f"blur{factor}": deficits.Blur(factor) for factor in (2, 4, 8)},
    **{d.kind: d() for d in (deficits.KINDS | deficits.CONTROLS).values()},
}
del CHOICE["blur"]  # its strengths are there by name
NETWORKS = 3  # beside the twin
SCALE = "demo"


def laboratory(study: Study | None = None) -> Laboratory:
    """Networks to be trained in the page, beside a twin that never has a deficit.

    Args:
        study: whose first runs with a deficit, up to three, are offered, each for as
            long as its clean run; default: blur until epoch 20 of 50.

    Raises:
        InputError: it is not of `gratings` by the recipe of scale "demo", or has a
            deficit that the laboratory lacks.
    """
    base = studies.get(SCALE, SCALE)
    return Laboratory(study or sweep("laboratory", CHOICE["blur4"], (20,), base=base))


@dataclass(frozen=True)
class Laboratory:
    """Shown as HTML that needs no kernel and no network; see `laboratory`."""

    study: Study

    def __post_init__(self):
        mine, demo = self.study.setup, SCALES[SCALE].main
        parts = {"model": mine.model, "mirror": mine.schedule.mirror}
        sizes = {"train": mine.data.train, "test": mine.data.test}
        same = demo.vary(**parts, **sizes, options=mine.data.options, probe=mine.probe)
        if mine != same or mine.model.family not in ("AllCNN", "MLP"):
            raise InputError(
                f"Study {self.study.name!r} is not by the laboratory's recipe: give one "
                "in the setting of cp.study('demo', 'demo')."
            )
        lacking = {d for run in self.study.runs for d in run.deficits}
        for deficit in lacking.difference(CHOICE.values()):
            raise InputError(
                f"The laboratory has no {deficit.title}: choose among "
                f"{', '.join(d.title for d in CHOICE.values())}."
            )

    def state(self) -> dict:
        """What is offered at first, as the script keeps it."""
        data, model, schedule, *_ = vars(self.study.setup).values()
        keys = {deficit: key for key, deficit in CHOICE.items()}
        amplitudes = make_gratings.__kwdefaults__ | dict(data.options)
        return {
            "epochs": self.study.runs[0].epochs,
            "seed": 0,
            "family": model.family,
            "width": model.width,
            "train": data.train,
            "test": data.test,
            **{name: amplitudes[name] for name in ("fine", "coarse", "noise")},
            "mirror": int(schedule.mirror),
            "challenge": "",
            "nets": [
                {
                    "windows": [
                        {"key": keys[d], "onset": onset, "removal": removal}
                        for d, onset, removal in run.windows
                    ],
                    "therapy": "none",
                }
                for run in self.study.runs[1 : 1 + NETWORKS]
            ],
        }

    def data(self) -> dict:
        """What the script needs."""
        setup, scale = self.study.setup, SCALES[SCALE]
        folder = resources.files(__package__) / "static" / "lab"
        return {
            "start": self.state(),
            "base": laboratory().state(),
            "recipe": {
                "data": {"size": setup.data.size},
                "schedule": setup.schedule.spec(),
                "probe": asdict(scale.probe),
            },
            "widths": {s.model.family: s.model.width for s in (scale.main, scale.digits)},
            "deficits": [
                {
                    "key": key,
                    "deficit": deficit.spec(),
                    "label": deficit.label,
                    "title": deficit.title,
                    "sees": deficit.sees,
                    "python": f"cp.deficits.{deficit!r}",
                }
                for key, deficit in CHOICE.items()
            ],
            "worker": (folder / "worker.js").read_text("utf-8"),
            "wasm": base64.b64encode((folder / "engine.wasm").read_bytes()).decode(),
        }

    def _repr_html_(self) -> str:
        words = "<p>The chapters show stored runs of the same experiments.</p>"
        missing = "train networks under deficits of your own"
        scripts = ("lab/state", "lab/nursery", "lab/scene")
        return standalone(
            "lab/laboratory", self.data(), "", missing, words, scripts=scripts
        )
