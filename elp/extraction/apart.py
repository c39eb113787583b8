"""Pictures tracked by a process of their own.

Loading torch takes as long as tracking some seconds of video, and holds Python's lock all the
while: a thread that tracks would stand still. A second process needs no torch, and begins anew in a
third of a second.
"""

# T frame at 25 per second
from __future__ import annotations

import multiprocessing
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, Any

from elp.errors import ElpError
from elp.extraction.pointfile import PointFile
from elp.extraction.tracking import track
from elp.files import temporary
from elp.files.stops import STOPS
from elp.files.workers import follow, no_main, track_resources

BLOCK = 256  # frames that are handed over together


def worthwhile() -> bool:
    """Whether torch is still to be loaded, by a process that is nobody's worker."""
    me = multiprocessing.current_process()
    # the script that is run once more for a worker that begins: it has no parent yet
    begins = getattr(me, "_inheriting", False)
    worker = begins or multiprocessing.parent_process() is not None
    return "torch" not in sys.modules and not worker and bool(sys.executable)


def track_apart(
    path: str | Path,
    face: str,
    store: IO[bytes],
    tick: Callable[[int], object],
    meanwhile: Callable[[], object],
) -> PointFile:
    """`track`, by another process, while this one does something else first.

    Raises:
        ElpError: what `track` or `meanwhile` raises, or the other process was killed.
    """
    import os

    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(
        target=_work, args=(theirs, os.getpid(), str(path), face), daemon=True
    )
    track_resources()
    with ours:
        with theirs, no_main(), _deaf():
            process.start()
        try:
            meanwhile()
            return _received(ours, path, store, tick)
        finally:
            process.kill()
            process.join()


@contextmanager
def _deaf() -> Iterator[None]:
    """What begins in here is stopped by us alone: it never hears the signals that stop us."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _received(
    pipe: Connection, path: str | Path, store: IO[bytes], tick: Callable[[int], object]
) -> PointFile:
    out = PointFile(store)
    while True:
        try:
            kind, what = pipe.recv()
        except EOFError:
            raise ElpError(
                f"{path}: the process that tracked its pictures was killed, "
                "perhaps for want of memory: free some, and run it again"
            ) from None
        if kind == "tick":
            tick(what)
        elif kind == "warning":
            message, category = what
            warnings.warn(message, category, stacklevel=4)
        elif kind == "points":
            for points in what:
                out.append(points)
        elif kind == "sight":
            out.sight = what
            return out
        else:
            raise what


def _work(pipe: Connection, parent: int, path: str, face: str) -> None:
    """What the other process does."""
    follow(parent)
    warnings.simplefilter("always")  # what is shown is for the other side to choose

    def warn(message: Any, category: type[Warning], *_: Any, **__: Any) -> None:
        pipe.send(("warning", (str(message), category)))

    warnings.showwarning = warn
    try:
        with temporary() as store:
            points = track(path, face, store, lambda count: pipe.send(("tick", count)))
            for first in range(0, len(points), BLOCK):
                pipe.send(("points", points[first : first + BLOCK]))
            pipe.send(("sight", points.sight))
    except Exception as error:
        with suppress(BrokenPipeError):  # nobody is left to be told
            pipe.send(("error", error))
