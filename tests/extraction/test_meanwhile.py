"""What a thread makes while pictures are tracked: begun with the first, failing at once."""

from __future__ import annotations

import threading

import pytest

from elp.errors import ElpError
from elp.extraction.meanwhile import Meanwhile


def test_it_begins_with_the_first_tick_and_is_made_once() -> None:
    made: list[int] = []

    def make() -> int:
        made.append(threading.get_ident())
        return len(made)

    with Meanwhile(make) as beside:
        assert not made
        beside.tick()
        assert beside.result() == beside.result() == 1
    assert made[0] != threading.get_ident() and len(made) == 1


def test_it_is_made_without_a_tick_too() -> None:
    with Meanwhile(dict) as beside:
        assert beside.result() == {}


def test_what_goes_wrong_ends_the_work_beside_it() -> None:
    failed = threading.Event()

    def make() -> None:
        failed.set()
        raise ElpError("no such emotion")

    with pytest.raises(ElpError, match="no such emotion"), Meanwhile(make) as beside:
        beside.tick()
        assert failed.wait(10)
        for _ in range(10_000_000):
            beside.tick()
