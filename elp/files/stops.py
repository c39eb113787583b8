"""Ctrl-C, TERM and HUP: one way to stop, in which nothing is cut in half."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any

# HUP: the terminal was closed, or the connection to it; unknown to Windows
STOPS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Stopped(KeyboardInterrupt):
    """A run was asked to stop; the text says what became of it.

    Attributes:
        number: of the signal.
    """

    def __init__(self, text: str = "", number: int = signal.SIGINT) -> None:
        super().__init__(text)
        self.number = number


def as_interrupts() -> None:
    """From now on TERM and HUP raise `Stopped`, as Ctrl-C raises `KeyboardInterrupt`.

    A signal that somebody handles or ignores already, as `nohup` does, stays as it is.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in STOPS:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _stop)


def number(stop: KeyboardInterrupt) -> int:
    """The signal behind an interrupt."""
    return stop.number if isinstance(stop, Stopped) else int(signal.SIGINT)


@contextlib.contextmanager
def noticed() -> Iterator[list[int]]:
    """A list to which the first signal to stop adds its number; the second stops at once.

    Outside the main thread, which alone may handle signals, the list stays empty.
    """
    asked: list[int] = []
    before: dict[int, Any] = {}

    def ask(number: int, frame: Any) -> None:
        asked.append(number)
        restore()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    if threading.current_thread() is threading.main_thread():
        ours = {number: signal.getsignal(number) for number in STOPS}
        # None: set by C, which Python cannot put back
        before = {n: h for n, h in ours.items() if h not in (signal.SIG_IGN, None)}
        for number in before:
            signal.signal(number, ask)
    try:
        yield asked
    finally:
        restore()


@contextlib.contextmanager
def postponed() -> Iterator[None]:
    """What must not be cut in half: a signal to stop takes effect at the end."""
    with noticed() as asked:
        yield
    if asked:
        signal.raise_signal(asked[0])


def _stop(number: int, frame: Any) -> None:
    raise Stopped(number=number)
