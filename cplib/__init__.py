"""Critical learning periods: the package behind the executable book.

>>> import cplib as cp
>>> result = cp.get("1TL", "laptop")               # a panel of the paper, from storage
>>> cp.draw(result)
>>> study = cp.sweep("mine", MyDeficit(), removals=(10, 20), base=cp.study("1TL"))
>>> cp.effect(cp.compute(study, seeds=3), removal=20)

What to compute (`studies`) becomes a tree of training segments, which is trained on any
executor (`engine`) into tidy tables with provenance (`results`), which are read
(`analysis`), drawn (`figures`) and explored (`widgets`). A room imports only from the
rooms below it. `python -m cplib --help` lists what can be done from a terminal.
"""

import os
from importlib import import_module

from ._base import console

console.forgive()

__version__ = "0.2.0.dev0"

# Threads of OpenMP that wait for each other sleep instead of turning on the spot, where
# a busy neighbour would wait for them and they for it. It is read once, when PyTorch is
# loaded; a choice of the user's goes first.
if not os.environ.keys() & {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"}:
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

# The front door: names by the module they come from, in the order of the flow. They are
# imported when they are first used, so that the command line answers at once. A colon
# comes before the name that they have in their room.
_ROOMS = {
    "data": "DataSpec load",
    "deficits": "Blur Deficit LabelPermutation Look MovingNoise Noise VerticalFlip",
    "models": "ModelSpec build",
    "fisher": "Probe layers",
    "training": "Cosine Cyclic Rate Readout Restart Schedule Setup evaluate train",
    "studies": "SCALES Run Scale Study make_plan study:get sweep windows",
    "results": "Result catalogue compute finals get save stored",
    "analysis": (
        "claim effect fit_double_exponential say scorecard sensitivities shares "
        "trace_curve"
    ),
    "figures": "Panel draw poster triangles worth",
    "widgets": "ask explore front_page laboratory predict",
    "exercises": "check",
    "errors": "CplibError DataError InputError StorageError",
}
_HOME = {
    name.partition(":")[0]: (room, name.partition(":")[2] or name)
    for room, names in _ROOMS.items()
    for name in names.split()
}
_MODULES = ("analysis", "data", "deficits", "figures", "fisher", "models", "studies")

__all__ = [*_HOME, *_MODULES]


def __getattr__(name: str) -> object:
    if name in _HOME:
        room, attribute = _HOME[name]
        value = getattr(import_module(f".{room}", __name__), attribute)
    elif name in _MODULES:
        value = import_module(f".{name}", __name__)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
