"""A notebook's page asks the kernel for what finds faces, and gets it or is told what to do."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from elp.book.widgets import LiveListener, runtime
from elp.media import weights

FILES = {*runtime.PARTS, "face", "near", "far", "landmarks"}


def asked(monkeypatch: pytest.MonkeyPatch, content: Any = "eyes") -> list[Any]:
    """What the kernel sends when a page asks."""
    widget, sent = LiveListener(), []
    monkeypatch.setattr(widget, "send", lambda content, buffers=(): sent.append((content, buffers)))
    widget._handle_custom_msg(content, [])
    return sent


def test_a_camera_comes_as_whole_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, path in runtime._paths(tmp_path).items():
        path.parent.mkdir(parents=True)
        path.write_bytes(name.encode())
    monkeypatch.setattr(runtime, "folders", lambda: [tmp_path / "none", tmp_path])
    ((content, buffers),) = asked(monkeypatch)
    facts = content["eyes"]
    files = {n: gzip.decompress(b) for n, b in zip(facts["names"], buffers, strict=True)}
    assert set(files) == FILES
    assert all(files[name] == name.encode() for name in runtime.PARTS)
    assert len(files["near"]) == weights.find("near").stat().st_size
    assert "createCamera" in facts["module"]


def test_a_missing_runtime_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(runtime, "folders", lambda: [tmp_path])
    ((content, buffers),) = asked(monkeypatch)
    assert runtime.COMMAND in content["missing"]
    assert not buffers
    assert not asked(monkeypatch, "something else")
