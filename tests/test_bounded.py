"""Files that are read: regular, bounded, as large as they say."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elp import bounded
from elp.errors import ElpError
from elp.model import checkpoint
from elp.motion import Clip, Motion


def zipped(path: Path, shape: tuple[int, ...], payload: int, descr: str = "<f4") -> Path:
    """An .npz with one array "beta" whose header says `shape`, with so many zeros behind it."""
    head = io.BytesIO()
    about: dict[str, Any] = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(head, about)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as members:
        members.writestr("beta.npy", head.getvalue() + bytes(payload))
    return path


def test_what_numpy_wrote_is_read(tmp_path: Path) -> None:
    given = {
        "a": np.arange(6.0).reshape(2, 3),
        "b": np.array("text"),
        "c": np.asfortranarray([[1, 2], [3, 4]]),
    }
    np.savez_compressed(tmp_path / "x.npz", **given)
    found = bounded.arrays(tmp_path / "x.npz")
    assert found.keys() == given.keys()
    assert all(np.array_equal(found[name], x) for name, x in given.items())
    np.save(tmp_path / "x.npy", given["a"])
    np.testing.assert_array_equal(bounded.mapped(tmp_path / "x.npy"), given["a"])


@pytest.mark.parametrize(
    ("shape", "payload"),
    [
        ((10**10, 100), 1000),
        ((2**62, 100), 0),
        ((-5, 100), 1000),
        ((7 * 10**5, 100), 1000),
        ((17 * 2**20,), 68 * 2**20),
    ],
)
def test_promises_of_gigabytes_are_refused(
    tmp_path: Path, shape: tuple[int, ...], payload: int
) -> None:
    with pytest.raises(ElpError, match=r"x\.npz: .* make it again"):
        bounded.arrays(zipped(tmp_path / "x.npz", shape, payload))


def test_objects_and_other_files_in_an_archive_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "o.npz", a=np.array([{}], object))
    with zipfile.ZipFile(tmp_path / "t.npz", "w") as members:
        members.writestr("readme.txt", "hello")
    for name in ("o.npz", "t.npz"):
        with pytest.raises(ElpError, match="not a readable"):
            bounded.arrays(tmp_path / name)


def test_columns_first_and_short_files_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "f.npy", np.asfortranarray(np.arange(6.0).reshape(2, 3)))
    with pytest.raises(ElpError, match="row after row"):
        bounded.mapped(tmp_path / "f.npy")
    np.save(tmp_path / "s.npy", np.arange(6.0))
    os.truncate(tmp_path / "s.npy", 130)
    with pytest.raises(ElpError, match="shorter than its header"):
        bounded.mapped(tmp_path / "s.npy")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes by name here")
@pytest.mark.parametrize(
    "read", [bounded.arrays, bounded.mapped, bounded.text, Clip.load, Motion.load, checkpoint.load]
)
def test_a_pipe_or_device_is_refused_at_once(tmp_path: Path, read: Any) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to(os.devnull)
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "device", "folder"):
        with pytest.raises(ElpError, match="a folder, pipe or device"):
            read(tmp_path / name)


def test_a_file_larger_than_asked_for_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(bytes(2 * bounded.MIB))
    with (
        pytest.raises(ElpError, match="2 MiB, at most 1 are read"),
        bounded.regular(tmp_path / "x", bounded.MIB),
    ):
        pass
