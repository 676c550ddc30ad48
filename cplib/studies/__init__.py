"""What to compute: runs, studies of them, the paper's panels, and the plan."""

from .catalogue import BOOK, get, names
from .plan import make_plan
from .runs import Run, Study, Window, sweep, windows
from .scales import SCALES, Scale

__all__ = [
    "BOOK", "SCALES", "Run", "Scale", "Study", "Window", "get", "make_plan", "names",
    "sweep", "windows",
]  # fmt: skip
