"""Files that are read: regular ones of bounded size, whose headers promise no more than they hold.

A pipe would keep a reader waiting, a device would fill the memory, and a compressed array of zeros
takes a thousand times its size.
"""

from __future__ import annotations

import contextlib
import math
import os
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elp.errors import ElpError

MIB = 2**20
LARGEST = 1024 * MIB  # bytes of a file of arrays, and of the arrays in it
# bytes that every file may unpack to, and how many times its size a larger one: measured motion
# hardly shrinks
SMALL, UNPACKED = 64 * MIB, 16
# not blocking, for opening a pipe waits for who writes; and bytes as they are on Windows
OPENING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
NUMBERS = "fiu"  # kinds of dtype: floating, signed and unsigned whole numbers


@contextlib.contextmanager
def regular(path: str | Path, most: int = LARGEST) -> Iterator[IO[bytes]]:
    """A file opened to be read.

    Raises:
        ElpError: it is missing, a folder, a pipe or a device, not readable, or larger than `most`
            bytes.
    """
    try:
        number = os.open(path, os.O_RDONLY | OPENING)
    except FileNotFoundError as error:
        raise ElpError(f"{path}: no such file: check the name") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ElpError(f"{path}: cannot be read ({reason}): give another file") from error
    found = os.fstat(number)
    if not stat.S_ISREG(found.st_mode):
        os.close(number)
        raise ElpError(f"{path}: a folder, pipe or device: give the name of a file")
    with open(number, "rb") as file:
        if found.st_size > most:
            raise ElpError(
                f"{path}: {found.st_size / MIB:.0f} MiB, at most {most / MIB:.0f} are read: "
                "give a smaller file"
            )
        yield file


def text(path: str | Path, most: int = SMALL) -> str:
    """A UTF-8 file's text.

    Raises:
        ElpError: as `regular`.
        UnicodeDecodeError: it is not UTF-8.
    """
    with regular(path, most) as file:
        return file.read().decode("utf-8")


def arrays(path: str | Path) -> dict[str, NDArray[Any]]:
    """All arrays of an .npz, at most 64 MiB or 16 times the file's size, whichever is more.

    Raises:
        ElpError: as `regular`; or the file is damaged, holds something else than arrays of numbers,
            truth values and text, or promises more.
    """
    with regular(path) as file, _damage(path):
        most = min(LARGEST, max(SMALL, UNPACKED * os.fstat(file.fileno()).st_size))
        with zipfile.ZipFile(file) as members:
            if sum(member.file_size for member in members.infolist()) > most:
                raise _Promise
            return dict(_member(members, name) for name in members.namelist())


def _member(members: zipfile.ZipFile, name: str) -> tuple[str, NDArray[Any]]:
    with members.open(name) as file:
        _, promised = header(file)
    if promised > members.getinfo(name).file_size:
        raise _Promise
    with members.open(name) as file:
        return name.removesuffix(".npy"), np.lib.format.read_array(file, allow_pickle=False)


def mapped(path: str | Path) -> NDArray[Any]:
    """The array of an .npy file, as a memory map.

    Raises:
        ElpError: the file is missing, no regular one, damaged, shorter than it promises, or in
            another order than C's, row after row.
    """
    with regular(path, most=2**62) as file, _damage(path):
        kind, promised = header(file)
        start = file.tell()
        if start + promised > os.fstat(file.fileno()).st_size:
            raise ElpError(f"{path}: damaged, shorter than its header says: copy or make it again")
        if kind.fortran and len(kind.shape) > 1:
            raise ElpError(f"{path}: its columns lie one after the other: store it row after row")
        if not promised:
            return np.empty(kind.shape, kind.dtype)
        return np.memmap(path, kind.dtype, "r", start, kind.shape)


class Kind(NamedTuple):
    """What the header of an .npy file says; `fortran` is columns first."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]


def header(file: IO[bytes]) -> tuple[Kind, int]:
    """Read the header of an .npy file: what is in it, and the bytes of its array.

    Raises:
        ValueError: it is none, negative, or of objects.
    """
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        kind = Kind(*np.lib.format.read_array_header_1_0(file))
    elif version == (2, 0):
        kind = Kind(*np.lib.format.read_array_header_2_0(file))
    else:
        raise ValueError(f"version {version} of .npy")
    if kind.dtype.hasobject or any(length < 0 for length in kind.shape):
        raise ValueError(f"an array of {kind.dtype}, shape {kind.shape}")
    return kind, math.prod(kind.shape) * kind.dtype.itemsize


class _Promise(Exception):
    """A header promises more than the file may hold."""


@contextlib.contextmanager
def _damage(path: str | Path) -> Iterator[None]:
    """Turn what a decoder raises at damaged bytes, which may be anything, into one sentence."""
    try:
        yield
    except ElpError:
        raise
    except _Promise as error:
        raise ElpError(
            f"{path}: its header promises more than a file of its size holds: make it again"
        ) from error
    except Exception as error:
        raise ElpError(
            f"{path}: not a readable file of arrays, or a damaged one: make it again"
        ) from error
