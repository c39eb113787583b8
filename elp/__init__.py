"""Emotional Listener Portrait: how a listener responds to a speaker, under a chosen or inferred
emotion.
"""

import os
import sys

from elp.errors import ElpError
from elp.extraction.pipeline import extract
from elp.motion import Clip, Motion
from elp.respond import respond

__all__ = ["Clip", "ElpError", "Motion", "extract", "respond"]


def _work_alone() -> None:
    """A forked process has none of its parent's threads and would wait for them for ever: it
    computes with one.
    """
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)  # first: torch's own call would wait for the threads, too
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_work_alone)
