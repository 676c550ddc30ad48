"""Define studies: runs, scales, the paper's panels, costs, and training plans."""

from . import costs
from .catalogue import BOOK, get, names
from .plan import make_plan
from .runs import Run, Window
from .scales import SCALES, Scale
from .study import Study, sweep, windows

__all__ = [
    "BOOK", "SCALES", "Run", "Scale", "Study", "Window", "get", "make_plan", "names",
    "costs", "sweep", "windows",
]  # fmt: skip
