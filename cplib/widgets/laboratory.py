"""The laboratory: networks that the reader's own browser trains.

Scripts and engine are in `static/lab`; the recipe and the deficits come from here, so
that page and package cannot drift apart.
"""

import base64
from dataclasses import asdict, dataclass
from importlib import resources

from .. import results
from .._base.words import translated as _
from ..data.gratings import make_gratings
from ..deficits import Blur, deficit
from ..errors import InputError
from ..studies import BOOK, SCALES, Run, Study, get, sweep
from .fragments import script, standalone
from .outcomes import Outcomes

DEFICITS = {f"blur{factor}": Blur(factor) for factor in (2, 4, 8)}
DEFICITS |= {
    kind: deficit(kind)
    for kind in "flip labels noise moving-noise grey detail nothing".split()
}  # those that `worker.js` knows
KEYS = {deficit: key for key, deficit in DEFICITS.items()}
DEMO = SCALES["demo"]
NETWORKS = 3  # beside the twin
STORED = tuple(name for name, scale in BOOK if scale == "demo")
SCHEDULE = "mirror batch lr decay weight_decay".split()
SETTING = "family width train test fine coarse noise".split() + SCHEDULE


def laboratory(study: Study | None = None) -> "Laboratory":
    """Networks to be trained in the page, beside a twin that never has a deficit.

    Args:
        study: whose first runs with a deficit, up to three, are offered, each for as
            long as its clean run; default: blur until epoch 40 of 100.

    Raises:
        InputError: it differs from those of scale "demo" in more than images, network,
            mini-batch, mirroring, learning rate and weight decay, or has a deficit
            that the laboratory lacks.
    """
    base = get("demo", DEMO)
    return Laboratory(study or sweep("laboratory", Blur(), (40,), base=base))


@dataclass(frozen=True)
class Laboratory:
    """Shown as HTML that needs no kernel and no network; see `laboratory`."""

    study: Study

    def __post_init__(self):
        mine = self.study.setup
        own = {name: getattr(mine.schedule, name) for name in SCHEDULE}
        same = DEMO.main.vary(model=mine.model, data=mine.data, probe=mine.probe, **own)
        kind = mine.data.name, mine.data.size, mine.model.family
        if mine != same or kind not in [("gratings", 16, f) for f in ("AllCNN", "MLP")]:
            raise InputError(
                f"Study {self.study.name!r} is not by the laboratory's recipe: give "
                "one in the setting of cp.study('demo', 'demo')."
            )
        seen = {one for run in self.study.runs for one in run.deficits}
        for other in seen.difference(KEYS):
            known = ", ".join(d.title for d in DEFICITS.values())
            raise InputError(
                f"The laboratory has no {other.title}: choose one of {known}."
            )

    def setting(self) -> dict:
        """Images, network and training, as the scripts keep them."""
        setup = self.study.setup
        given = make_gratings.__kwdefaults__ | asdict(setup.schedule)
        given |= asdict(setup.model) | asdict(setup.data) | dict(setup.data.options)
        return {name: given[name] for name in SETTING} | {
            "mirror": int(given["mirror"])
        }

    def state(self) -> dict:
        """What is offered at first, as the scripts keep it."""
        runs = self.study.runs
        nets = [{"windows": lived(run), "therapy": "none"} for run in runs[1:]]
        rest = {"challenge": "", "nets": nets[:NETWORKS]}
        return {"epochs": runs[0].epochs, "seed": 0, **self.setting(), **rest}

    def data(self) -> dict:
        """What the scripts need."""
        engine = resources.files(__package__) / "static" / "lab" / "engine.wasm"
        return {
            "start": self.state(),
            "base": laboratory().state(),
            "data": {"size": DEMO.main.data.size},
            "schedule": DEMO.main.schedule.spec(),
            "probe": asdict(DEMO.probe),
            "widths": {s.model.family: s.model.width for s in (DEMO.main, DEMO.digits)},
            "deficits": [
                {"key": key, "deficit": d.spec(), "python": f"cp.deficits.{d!r}"}
                | {name: getattr(d, name) for name in ("label", "title", "sees")}
                for key, d in DEFICITS.items()
            ],
            "stored": {
                "setting": laboratory().setting(),
                "runs": [row for name in STORED for row in stored(name)],
            },
            "worker": script("lab/worker"),
            "wasm": base64.b64encode(engine.read_bytes()).decode(),
        }

    def _repr_html_(self) -> str:
        words = f"<p>{_('The chapters show stored runs of the same experiments.')}</p>"
        missing = _("train networks under deficits of your own")
        before = ("lab/state", "lab/nursery", "lab/scene")
        return standalone("lab/laboratory", self.data(), "", missing, words, before)


def lived(run: Run) -> list[dict]:
    """The windows of a run, as the scripts keep them."""
    return [dict(key=KEYS[d], onset=a, removal=b) for d, a, b in run.windows]


def stored(name: str) -> list[list]:
    """[epochs, windows, therapy, points lost, half of their interval, seeds] by run.

    Lost against the clean run of the same age: the mean over three or more seeds.
    """
    result = results.stored(get(name, DEMO))
    therapy = name if name in ("restart", "shrink") else "none"
    return [
        [o.run.epochs, lived(o.run), therapy, -change.mean, change.half, len(seeds)]
        for o in (Outcomes(result).all if result else ())
        if len(seeds := (change := o.changes["control"]).seeds) > 2
    ]
