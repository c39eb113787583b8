"""Pictures tracked by another process: errors come over, and nothing is left of it."""

from __future__ import annotations

import multiprocessing
import sys
from pathlib import Path

import pytest

from elp.errors import ElpError
from elp.extraction.apart import track_apart, worthwhile
from elp.files import temporary


def test_errors_come_over_and_what_is_done_meanwhile_fails_first(tmp_path: Path) -> None:
    def fail() -> None:
        raise ElpError("no such emotion")

    for meanwhile, sentence in ((list, "nowhere.mp4"), (fail, "no such emotion")):
        with temporary() as store, pytest.raises(ElpError, match=sentence):
            track_apart(tmp_path / "nowhere.mp4", "largest", store, list, meanwhile)
        assert not multiprocessing.active_children()


def test_a_killed_process_is_told_in_one_sentence(tmp_path: Path) -> None:
    def kill() -> None:
        for child in multiprocessing.active_children():
            child.kill()
            child.join()

    with temporary() as store, pytest.raises(ElpError, match="was killed"):
        track_apart(tmp_path / "any.mp4", "largest", store, list, kill)


def test_a_worker_tracks_by_itself_and_so_does_a_script_that_is_run_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "torch")
    assert worthwhile()
    with monkeypatch.context() as patch:
        patch.setattr(multiprocessing.current_process(), "_inheriting", True, raising=False)
        assert not worthwhile()
    monkeypatch.setattr(multiprocessing, "parent_process", multiprocessing.current_process)
    assert not worthwhile()
