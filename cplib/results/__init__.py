"""Keep what was computed: tables with provenance, stored and verified."""

from .library import (
    Result,
    catalogue,
    compute,
    finals,
    folder,
    get,
    parse_seeds,
    save,
    stored,
)  # fmt: skip

__all__ = [
    "Result", "catalogue", "compute", "finals", "folder", "get", "parse_seeds", "save",
    "stored",
]  # fmt: skip
