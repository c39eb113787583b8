"""The record of how a result was made."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import platform
import shlex
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from elp.files import atomic

RECORDED = ("elp", "torch", "numpy", "scipy", "scikit-learn", "ai-edge-litert", "av")


def sha256(path: str | Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@functools.cache
def commit() -> str:
    """Short commit of the checkout that holds `elp`, "+" if changed since, or "release".

    That of the first call, for a process runs the code that it began with: a long run asks when it
    starts. A machine without git is told by the variable ELP_COMMIT.
    """
    if told := os.environ.get("ELP_COMMIT"):
        return told
    root = Path(__file__).parents[1]
    run = ["git", "-C", str(root), *"describe --always --dirty=+ --abbrev=12 --exclude=*".split()]
    try:
        done = subprocess.run(run, capture_output=True, text=True, check=True, timeout=10)
        return done.stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "release"


def run_card(
    *,
    seed: int | None,
    device: str = "cpu",
    started: float | None = None,
    command: str | None = None,
) -> dict[str, Any]:
    """The record that every committed result carries.

    Args:
        seed: seed of the run, or None where nothing is random.
        device: name of the device that did the work, e.g. "NVIDIA H100 80GB HBM3" or "cpu".
        started: `time.time()` at the start of the run; gives `seconds`.
        command: the command line; by default the one that runs now, its paths relative to the
            project's root.

    Returns:
        dict with commit, command, seed, device, cores, python, versions, date (UTC) and seconds.
    """
    versions = {}
    for name in RECORDED:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return {
        "commit": commit(),
        "command": command or shlex.join(_portable(sys.argv)),
        "seed": seed,
        "device": device,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": versions,
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "seconds": None if started is None else round(time.time() - started, 2),
    }


def _portable(argv: list[str]) -> list[str]:
    """A command line that says the same on every machine.

    Paths are relative to the root; of what lies neither in it nor beside it there is only the name.
    """
    root = Path(__file__).parents[1]

    def relative(word: str) -> str:
        # --output=FILE
        option, equals, value = word.partition("=") if word.startswith("-") else ("", "", word)
        if not Path(value).is_absolute():
            return word
        path = Path(os.path.relpath(value, root))
        return option + equals + (path.as_posix() if path.parts.count("..") < 2 else path.name)

    # a script, or a command wherever it is installed
    program = relative(os.path.abspath(argv[0])) if argv[0].endswith(".py") else Path(argv[0]).name
    return [program, *map(relative, argv[1:])]


def write_json(path: str | Path, value: Any) -> None:
    """Write `value` as indented JSON, whole or not at all."""
    with atomic(path) as partial:
        text = json.dumps(value, indent=1, ensure_ascii=False) + "\n"
        # of a name that is not UTF-8, JSON's own escapes
        partial.write_text(text, encoding="utf-8", errors="backslashreplace")
