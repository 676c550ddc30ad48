"""Results of studies: tables with provenance, computed, stored and verified."""

from .._base.files import book_folder
from .._base.plain import seeds as parse_seeds
from .library import (
    catalogue,
    compute,
    folder,
    get,
    known,
    network,
    recorded,
    save,
    stored,
)  # fmt: skip
from .result import LAST, Result, finals
from .verification import verify

__all__ = [
    "LAST", "Result", "book_folder", "catalogue", "compute", "finals", "folder", "get",
    "known", "network", "parse_seeds", "recorded", "save", "stored", "verify",
]  # fmt: skip
