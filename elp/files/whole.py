"""Files and folders written whole or not at all, and room for what is temporary."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

from elp.errors import ElpError
from elp.files.locks import FULL, MARK, WRITING, alone, beside, hidden, is_scratch
from elp.files.stops import postponed

BLOCK = 4096  # bytes: a disk with any room takes them


def check(*paths: str | Path | None) -> None:
    """Refuse a file that cannot be written, before the work for it; None is no file.

    Nothing is left behind, and an old file stays as it is.

    Raises:
        ElpError: it is a folder, a pipe, a device or read-only, its name is too long, its folder
            cannot be written or is full, or two of them are one.
    """
    given = [path for path in paths if path is not None]
    for path, real in zip(given, _files(given), strict=True):
        _try(path, real)


def keep(read: Iterable[object], written: Iterable[object]) -> None:
    """Refuse, with an ElpError, to write over what is read; what is no path is no file."""
    files = [Path(x) for x in read if isinstance(x, (str, Path))]
    for path in (Path(x) for x in written if isinstance(x, (str, Path))):
        if path.exists() and any(file.exists() and file.samefile(path) for file in files):
            raise ElpError(f"{path}: is what is read here: give the result another name")


def check_folder(path: str | Path) -> None:
    """Refuse a folder that exists or cannot be made, before the work for it; raises ElpError."""
    real = _real(path)
    if os.path.lexists(real):
        raise ElpError(f"{path}: exists already: give another folder or delete this one")
    _try(path, real)


@contextlib.contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path of the same name, renamed to `path` on success, deleted on failure.

    Links are followed. A path that `together` gave is written as it is, for that renames it.

    Raises:
        ElpError: see `check`, or the disk is full. Errors of the body that are none of writing
            pass.
    """
    path = Path(path)
    if is_scratch(path.parent.parent):
        yield path
        return
    with together(path) as (partial,):
        assert partial is not None
        yield partial


@contextlib.contextmanager
def together(*paths: str | Path | None) -> Iterator[list[Path | None]]:
    """`atomic` for several files: all of them are renamed, or none; None stays None."""
    given = [path for path in paths if path is not None]
    real = _files(given)
    folders: list[Path] = []
    with contextlib.ExitStack() as stack:
        try:
            for path in real:
                stack.enter_context(_home(path.parent))
                folders.append(stack.enter_context(beside(path.parent)))
            # by the name that was given, for it has the ending that says what is written
            partial = [f / "new" / Path(p).name for f, p in zip(folders, given, strict=True)]
            names = iter(partial)
            yield [None if path is None else next(names) for path in paths]
            with postponed():
                _rename(partial, real)
        except OSError as error:
            failed = str(error.filename or "")
            named = [p for p, folder in zip(given, folders) if failed.startswith(str(folder))]
            if named or error.errno in WRITING or len(folders) < len(given):
                raise unwritable(*(named or given), error=error) from error
            raise


@contextlib.contextmanager
def new_folder(path: str | Path) -> Iterator[Path]:
    """Yield a temporary folder, renamed to `path` on success, deleted on failure.

    Raises:
        ElpError: see `check_folder`, another run is making it, or the disk is full.
    """
    check_folder(path)
    real = _real(path)
    try:
        with (
            _home(real.parent),
            alone(hidden(real, ".lock"), f"{path}: another run is making it"),
            beside(real.parent) as folder,
        ):
            yield folder / "new"
            with postponed():
                os.replace(folder / "new", real)
    except OSError as error:
        if error.errno in WRITING or MARK in str(error.filename or ""):
            raise unwritable(path, error=error) from error
        raise


@contextlib.contextmanager
def temporary() -> Iterator[IO[bytes]]:
    """A nameless temporary file; raises ElpError where there is no folder or no room for it."""
    try:
        file = tempfile.TemporaryFile()  # noqa: SIM115  closed below
    except OSError as error:
        raise ElpError(
            f"no temporary file can be made ({error.strerror or error}): "
            "name a folder with room in TMPDIR"
        ) from error
    try:
        with file:
            yield file
    except OSError as error:
        if error.errno not in WRITING:
            raise
        raise ElpError(
            f"{tempfile.gettempdir()}: no room for temporary files ({error.strerror or error}): "
            "free some space there, or name another folder in TMPDIR"
        ) from error


def unwritable(*paths: str | Path, error: OSError) -> ElpError:
    """The sentence for an error of writing."""
    hint = "free some space or choose another folder" if error.errno in FULL else ""
    hint = "give a shorter name" if error.errno == errno.ENAMETOOLONG else hint
    names = " and ".join(map(str, paths))
    return ElpError(
        f"{names}: cannot be written ({error.strerror or error}): {hint or 'choose another folder'}"
    )


@contextlib.contextmanager
def _home(folder: Path) -> Iterator[None]:
    """A folder, made if need be; what was made and stays empty goes."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        for place in missing:
            with contextlib.suppress(OSError):  # not empty
                place.rmdir()


def _real(path: str | Path) -> Path:
    """Where a destination lies, links followed."""
    try:
        real = Path(os.path.realpath(path))
    except ValueError as error:
        raise ElpError(f"{str(path)!r}: no name of a file: give another one") from error
    except OSError as error:  # the folder that we are in is gone
        raise unwritable(path, error=error) from error
    try:
        real.lstat()
    except FileNotFoundError:
        pass
    except OSError as error:
        raise unwritable(path, error=error) from error
    return real


def _files(paths: Sequence[str | Path]) -> list[Path]:
    """`_file` of each; raises ElpError where two are one."""
    real: dict[Path, str | Path] = {}
    for path in paths:
        place = _file(path)
        if place in real:
            raise ElpError(f"{path}: the same file as {real[place]}: give each its own name")
        real[place] = path
    return list(real)


def _file(path: str | Path) -> Path:
    """`_real` of a regular file or of nothing."""
    real = _real(path)
    if not os.path.lexists(real):
        return real
    kind = real.lstat().st_mode
    if stat.S_ISLNK(kind):
        raise ElpError(f"{path}: a link that leads nowhere: give another name")
    if stat.S_ISDIR(kind):
        raise ElpError(f"{path}: a folder: give the name of a file")
    if not stat.S_ISREG(kind):
        raise ElpError(f"{path}: a pipe or a device: give the name of a file")
    if not os.access(real, os.W_OK):
        raise ElpError(f"{path}: is read-only: make it writable, or give another name")
    return real


def _try(path: str | Path, real: Path) -> None:
    """Write a block beside a destination, or where its folder would be made."""
    try:
        home = real.parent
        while not home.exists():
            home = home.parent
        for name in real.relative_to(home).parts:
            with contextlib.suppress(FileNotFoundError):
                (home / name).lstat()  # tells a name that is too long
        with beside(home) as folder:
            (folder / "new" / "block").write_bytes(bytes(BLOCK))
    except OSError as error:
        raise unwritable(path, error=error) from error


def _rename(partial: list[Path], real: list[Path]) -> None:
    """Each to its place, or none: where one fails, what the others replaced comes back."""
    with contextlib.ExitStack() as stack:
        for path in sorted(real) if len(real) > 1 else ():
            # two runs must not leave one file each
            said = f"{path.name}: another run is writing it"
            stack.enter_context(alone(hidden(path, ".lock"), said, wait=10.0))
        done: list[tuple[Path, Path, bool]] = []
        try:
            for new, path in zip(partial, real, strict=True):
                old, there = new.parent.with_name("old"), path.exists()
                with contextlib.suppress(OSError):  # nothing there, or a disk without links
                    os.link(path, old)
                os.replace(new, path)
                done.append((old, path, there))
        except OSError:
            for old, path, there in done:
                if old.exists():
                    os.replace(old, path)
                elif not there:
                    path.unlink()
            raise
