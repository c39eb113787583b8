"""A result file's command, as it would be run now."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from elp.errors import ElpError
from experiments import reproduce


def test_commands_run_scripts_where_they_are_now() -> None:
    assert reproduce.command("stream")[:3] == [sys.executable, "-m", "benchmarks.stream"]
    # it was a benchmark when the file was made
    assert reproduce.command("tables-vico.json")[:3] == [sys.executable, "-m", "experiments.tables"]


@pytest.mark.parametrize("name", sorted(p.stem for p in reproduce.RESULTS.glob("*.json")))
def test_every_command_can_be_run_or_says_why_not(name: str) -> None:
    try:
        words = reproduce.command(name)
    except ElpError as error:
        assert name in str(error)
        return
    assert (
        words[0] == "make" or Path(reproduce.ROOT, *words[2].split(".")).with_suffix(".py").exists()
    )


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(ElpError, match=r"choose one of .*stream"):
        reproduce.command("nothing")
