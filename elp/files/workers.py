"""Processes that work beside this one: how they begin, and how they end."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def no_main() -> Iterator[None]:
    """Spawned workers do not run the script that started them: what they call, they find by name.

    So a script needs no `if __name__ == "__main__"` around a build.
    """
    main = sys.modules["__main__"]
    names = ("__file__", "__spec__")
    kept: dict[str, Any] = {name: vars(main).pop(name) for name in names if name in vars(main)}
    main.__spec__ = None
    try:
        yield
    finally:
        vars(main).update(kept)


@contextmanager
def stopping_workers() -> Iterator[None]:
    """Who stops the run does not wait for the videos at work: processes begun in here end."""
    import multiprocessing

    before = set(multiprocessing.active_children())
    try:
        yield
    except KeyboardInterrupt:
        for worker in set(multiprocessing.active_children()) - before:
            worker.terminate()
        raise


def track_resources() -> None:
    """Start Python's own process that cleans up after us, deaf to HUP as it is to Ctrl-C and TERM:
    a closed terminal would stop it before us, and it would be missed in many lines.
    """
    if not hasattr(signal, "SIGHUP"):  # Windows needs none
        return
    from multiprocessing import resource_tracker

    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})  # what it starts with
    try:
        resource_tracker.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def follow(parent: int) -> None:
    """Leave when the parent is gone: a killed run must not leave workers behind.

    Nor what a worker that is stopped cannot clean up: tqdm's lock between processes.
    """
    from tqdm import tqdm

    tqdm.set_lock(threading.RLock())

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
