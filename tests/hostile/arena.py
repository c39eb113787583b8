"""One command of `elp` in a process of its own, with bounds; and whether it behaved."""

from __future__ import annotations

import multiprocessing.util
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

WALL = 120.0  # seconds after which a command hangs
CPU = 10.0  # seconds of a processor within which bad input is refused
MEMORY = 1024.0  # MB that are enough to refuse anything
MORE = 3 << 30  # bytes that a process may ask for on top of what it has: the machine survives


@dataclass(frozen=True, kw_only=True)
class Case:
    """A hostile input: how it comes into a folder, and the command that meets it there.

    Attributes:
        make: puts files into a folder and gives the words after "elp".
    """

    name: str
    make: Callable[[Path], list[object]]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How a command ended; `reason` says what was wrong about that, or is empty."""

    name: str
    code: int
    seconds: float
    megabytes: float
    said: str
    reason: str
    traceback: bool
    killed: bool


def judge(cases: Iterable[Case], folder: Path) -> list[Verdict]:
    """Run all cases, each in its own folder."""
    return [meet(case, folder / f"{k:04d}") for k, case in enumerate(cases)]


def meet(case: Case, folder: Path) -> Verdict:
    """Make a case, run its command in its folder, and look."""
    folder.mkdir(parents=True)
    words = case.make(folder)
    before = set(folder.rglob("*"))
    child, said = start(words, folder), folder / ".said"
    _, status, used, hung = wait(child)
    text = said.read_text(errors="replace")
    said.unlink()
    code = os.waitstatus_to_exitcode(status)
    seconds, megabytes = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    new = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p not in before)
    wrong = {
        "hangs": hung,
        f"killed by {-code}": code < 0 and not hung,
        "a traceback: " + " ".join(text.split()[-12:]): "Traceback (most recent" in text,
        f"exit code {code}": code not in (0, 2) and code > 0,
        f"{seconds:.0f} s of CPU": code == 2 and seconds > CPU,
        f"{megabytes:.0f} MB": megabytes > MEMORY,
        f"refused, but left {new}": code == 2 and bool(new),
        f"left {new}": any(name.startswith(".") or "/." in name for name in new),
        "refused without a word: " + text[:200]: code == 2 and not sentences(text),
    }
    return Verdict(
        name=case.name,
        code=code,
        seconds=seconds,
        megabytes=megabytes,
        said=text,
        reason="; ".join(reason for reason, holds in wrong.items() if holds),
        traceback="Traceback (most recent" in text,
        killed=code < 0 or hung,
    )


def sentences(text: str) -> bool:
    """Lines that are all ours, the last one an error's; or typer's box about the words."""
    lines = text.strip().splitlines()
    ours = all(line.startswith(("elp: ", "left out: ")) or " with a face" in line for line in lines)
    said = bool(lines) and ours and lines[-1].startswith("elp: ")
    return said or text.lstrip().startswith("Usage: ")


def start(
    words: Iterable[object],
    folder: Path,
    environment: dict[str, str] | None = None,
    largest: int | None = None,
) -> int:
    """Fork a process that runs a command in `folder`, what it says in .said there; its number.

    `largest` bounds its files, in bytes.
    """
    sys.stdout.flush()
    if pid := os.fork():
        return pid
    code = 1
    try:
        os.setsid()
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + MORE
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        if largest is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
        os.chdir(folder)
        os.environ |= environment or {}
        said = os.open(".said", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for standard in (1, 2):
            os.dup2(said, standard)
        sys.stdout, sys.stderr = (os.fdopen(n, "w", closefd=False) for n in (1, 2))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        code = command([str(word) for word in words])
        # as a process that ends by itself: else its semaphores are said to have leaked
        multiprocessing.util._exit_function()
    finally:
        os._exit(code)


def command(words: list[str]) -> int:
    """`elp` in this process; its exit code."""
    from elp.cli import main

    sys.argv, code = ["elp", *words], 0
    tempfile.tempdir = None  # TMPDIR may be another
    warnings.resetwarnings()  # pytest makes errors of them
    for kind in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
        warnings.simplefilter("ignore", kind)
    try:
        main()
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def wait(child: int, seconds: float = WALL) -> tuple[int, int, resource.struct_rusage, bool]:
    """Number, status, use, and whether it had to be killed."""
    until, hung = time.monotonic() + seconds, False
    while True:
        done, status, used = os.wait4(child, os.WNOHANG)
        if done:
            return done, status, used, hung
        if time.monotonic() > until and not hung:
            hung = True
            os.killpg(child, signal.SIGKILL)
        time.sleep(0.01)
