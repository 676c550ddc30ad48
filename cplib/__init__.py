"""Critical learning periods: the package behind the executable book.

>>> import cplib as cp
>>> result = cp.get("1TL", "laptop")               # a panel of the paper, from storage
>>> cp.draw(result)
>>> study = cp.sweep("mine", MyDeficit(), removals=(10, 20), base=cp.study("1TL"))
>>> cp.effect(cp.compute(study, seeds=3), removal=20)

A study (`studies`) becomes a tree of training segments, which any executor trains
(`engine`). The numbers are stored in tidy tables with provenance (`results`), analysed
(`analysis`), drawn (`figures`) and explored (`widgets`). A room imports only from the
rooms below it. `python -m cplib --help` lists the commands for a terminal.
"""

import os
from importlib import import_module

from ._base import console

console.forgive()

__version__ = "0.2.0.dev0"

# OpenMP threads that wait for each other sleep instead of spinning, which would slow
# down both them and a busy neighbour. PyTorch reads the variable once, when it is
# loaded; a value set by the user has priority.
if not os.environ.keys() & {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"}:
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

# The front door: public names by room, in the order in which a study uses them. They
# are imported at first use, so that the command line answers at once. After a colon:
# the name in the room, where it is another.
_ROOMS = {
    "data": "DataSpec load",
    "deficits": "Blur Deficit LabelPermutation Look MovingNoise Noise VerticalFlip",
    "models": "ModelSpec build",
    "fisher": "Probe layers",
    "training": "Cosine Cyclic Rate Readout Restart Schedule Setup evaluate train",
    "studies": "SCALES Run Scale Study make_plan study:get sweep windows",
    "results": "Result catalogue compute finals get network recorded save stored",
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
