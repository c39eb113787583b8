"""Files that are whole or not there, one run at a time, and how a run is stopped.

In: paths and signals. Out: temporary paths, renamed at the end; sentences. No chapter: all use it.
"""

from elp.files.locks import alone, hidden, sweep
from elp.files.stops import Stopped, as_interrupts, noticed, number, postponed
from elp.files.whole import (
    atomic,
    check,
    check_folder,
    keep,
    new_folder,
    temporary,
    together,
    unwritable,
)

__all__ = [
    "Stopped",
    "alone",
    "as_interrupts",
    "atomic",
    "check",
    "check_folder",
    "hidden",
    "keep",
    "new_folder",
    "noticed",
    "number",
    "postponed",
    "sweep",
    "temporary",
    "together",
    "unwritable",
]
