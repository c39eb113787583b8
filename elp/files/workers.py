"""Processes that work beside this one: how they begin, and how they end."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar


class _Main:
    """The script that runs, and how many hide it at the moment: threads may at the same time."""

    lock = threading.Lock()
    hiding = 0
    kept: ClassVar[dict[str, Any]] = {}


@contextmanager
def no_main() -> Iterator[None]:
    """Spawned workers do not run the script that started them: what they call, they find by name.

    So a script needs no `if __name__ == "__main__"` around a build.
    """
    main, names = vars(sys.modules["__main__"]), ("__file__", "__spec__")
    with _Main.lock:
        if not _Main.hiding:
            _Main.kept = {name: main.pop(name) for name in names if name in main}
            main["__spec__"] = None
        _Main.hiding += 1
    try:
        yield
    finally:
        with _Main.lock:
            _Main.hiding -= 1
            if not _Main.hiding:
                main.update(_Main.kept)


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
