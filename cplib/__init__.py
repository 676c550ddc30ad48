"""Critical learning periods: the package behind the executable book.

What to compute (`studies`) becomes a tree of training segments (`plan`), which is
trained on any executor (`engine`) into tidy tables with provenance (`results`), which
are drawn (`figures`, `animals`, `pictures`) and explored (`widgets`):

>>> from cplib import figures, results, studies
>>> figures.draw(results.get(studies.get("1TL", "laptop")))

A module imports only what stands before it in that flow. `python -m cplib --help` lists
what can be done from a terminal.
"""

import os

from ._base import console

console.forgive()

__version__ = "0.1.0"

# Threads of OpenMP that wait for each other sleep instead of turning on the spot, where
# a busy neighbour would wait for them and they for it. It is read once, when PyTorch is
# loaded; a choice of the user's goes first.
if not os.environ.keys() & {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"}:
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
