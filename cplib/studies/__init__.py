"""What to compute: runs, studies of them, the paper's panels, and the plan."""

from .paper import ATLAS, BOOK, get, names
from .scales import SCALES
from .study import Run, Study, windows

__all__ = ["ATLAS", "BOOK", "SCALES", "Run", "Study", "get", "names", "windows"]
