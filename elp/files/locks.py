"""Who is at work on a file: locks, which the system forgets with the process that holds them, and
hidden folders, which the next run sweeps if nobody holds them.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from elp.errors import ElpError

if TYPE_CHECKING:
    from filelock import FileLock

MARK = ".elp-"  # begins the name of everything that is temporary
FULL = (errno.ENOSPC, errno.EDQUOT)
WRITING = (*FULL, errno.EFBIG, errno.EROFS)  # errors that only writing gives
LOCKLESS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)  # a disk without locks


@contextlib.contextmanager
def alone(lock: Path, said: str, *, wait: float = 0.0) -> Iterator[None]:
    """Hold a lock file that is gone afterwards; where another holds it longer than `wait` seconds,
    raises ElpError: what is `said`, and what to do.

    The system frees the lock of a process that dies. On a disk without locks nobody is refused.
    """
    from filelock import FileLock, Timeout

    held = FileLock(lock)
    try:
        held.acquire(timeout=wait)
    except Timeout as error:
        raise ElpError(f"{said}: wait for it, or stop it first") from error
    except OSError as error:
        if error.errno not in LOCKLESS:
            raise
    try:
        yield
    finally:
        if held.is_locked:
            with contextlib.suppress(OSError):
                lock.unlink(missing_ok=True)
            held.release()


def hidden(path: Path, ending: str) -> Path:
    """A hidden name beside `path`, that path's alone and short enough for every disk."""
    digest = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]
    return path.with_name(f"{MARK}{digest}{ending}")


def sweep(folder: Path) -> None:
    """Delete what dead runs left in a folder; what a living one holds stays."""
    from filelock import FileLock

    for left in folder.glob(f"{MARK}*"):
        with contextlib.suppress(OSError):  # a living run's, or not ours to delete
            if left.suffix == ".lock":
                with FileLock(left).acquire(timeout=0):
                    left.unlink(missing_ok=True)
            elif is_scratch(left) and left.is_dir() and not left.is_symlink():
                with FileLock(left / "lock").acquire(timeout=0):
                    shutil.rmtree(left, ignore_errors=True)


@contextlib.contextmanager
def beside(parent: Path) -> Iterator[Path]:
    """A hidden folder with an empty one, "new", in it: locked as long as it is used, then gone."""
    from filelock import FileLock

    sweep(parent)
    while True:
        folder = Path(tempfile.mkdtemp(prefix=MARK, dir=parent))
        lock = FileLock(folder / "lock")
        try:
            if _held(lock):
                (folder / "new").mkdir()  # its mode follows the umask; `mkdtemp`'s does not
                yield folder
                return
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            lock.release()
            shutil.rmtree(folder, ignore_errors=True)  # Windows keeps what is open


def _held(lock: FileLock) -> bool:
    """Lock a new folder; False where a sweep came first."""
    from filelock import Timeout

    try:
        lock.acquire(timeout=0)
    except (Timeout, FileNotFoundError, FileExistsError):
        return False
    except OSError as error:
        if error.errno not in LOCKLESS:
            raise
    return True  # or a disk without locks, on which nothing is swept


def is_scratch(folder: Path) -> bool:
    """Whether a folder is one of those that `beside` makes."""
    return folder.name.startswith(MARK) and not folder.suffix
