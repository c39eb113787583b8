"""Work that a thread does while pictures are tracked: loading torch takes as long as tracking three
seconds of video, which mostly waits for networks and decoders that know no Python.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar

Made = TypeVar("Made")


class Meanwhile(Generic[Made]):
    """Something made by a thread from the first `tick` on; a context manager.

    Args:
        make: makes it. Nothing else may import then, since two threads that import can meet in a
            half-made module: the first tick comes when what ticks has loaded.
    """

    def __init__(self, make: Callable[[], Made]) -> None:
        self._make = make
        self._pool = ThreadPoolExecutor(1)
        self._future: Future[Made] | None = None

    def __enter__(self) -> Meanwhile[Made]:
        return self

    def __exit__(self, *_: Any) -> None:
        self._pool.shutdown()

    def tick(self) -> None:
        """Begin; later, raise what went wrong, as soon as it did."""
        if self._future is None:
            self._future = self._pool.submit(self._make)
        elif self._future.done():
            self._future.result()

    def result(self) -> Made:
        """What was made, waited for."""
        if self._future is None:
            self.tick()
        assert self._future is not None
        return self._future.result()
