"""Training, on the spot, a window of deficit that a stored result lacks."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from .. import results
from .._base.plain import whole
from ..errors import InputError
from ..results import Result
from ..studies import Run

__all__ = ["with_window"]


def with_window(
    result: Result, kind: str, onset: int, removal: int, **options
) -> Result:
    """`result` and one run more: its deficit `kind` from `onset` to `removal`.

    The run is trained for each seed of the result, from birth, and followed by as many
    clean epochs as the others. A window that is there already is not trained again.

    Args:
        result: of a study with runs of this kind.
        kind, onset, removal: of the run; epochs.
        **options: of `results.compute`: device, max_workers, progress.

    Raises:
        InputError: unless the study has this kind, and 0 <= onset < removal <= the
            last removal of the study: the clean run is no longer.
    """
    onset, removal = whole("onset", onset, 0), whole("removal", removal, 0)
    study = result.study
    deficits = {d.name: d for run in study.runs for d in run.deficits}
    if kind not in deficits:
        raise InputError(
            f"deficit={kind!r} is not in this study: choose one of "
            f"{', '.join(deficits)}."
        )
    longest = study.runs[0].epochs - study.clean_epochs
    if onset >= removal or removal > longest:
        raise InputError(
            f"onset={onset!r}, removal={removal!r}: choose whole epochs with "
            f"onset < removal <= {longest}."
        )
    run = Run([(deficits[kind], onset, removal)], removal + study.clean_epochs)
    if run in study.runs:
        return result
    fresh = results.compute(replace(study, runs=(run,)), result.seeds, **options)
    table = pd.concat([result.table, fresh.table], ignore_index=True)
    more = replace(study, runs=(*study.runs, run))
    return Result(more, table, result.provenance, result.live)
