"""Where the executions of chapters are kept, so that building the book again executes nothing.

myst-nb keeps what a chapter's cells gave and takes it again while the cells are the same. What the
cells use may have changed, though: so each state of it has a folder of its own.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from elp.records import RECORDED

ROOT = Path(__file__).parents[2]
# all that a chapter may read: the package with its weights, and the result files
READ = ("elp", "book/results")
# and what makes pages of texts and outputs
MAKES = (*READ, "book/_tools", "book/references.bib", "_config.yml", "_toc.yml", "CITATION.cff")
# a package's compiled files, and what editors and systems leave beside the sources
LEFT = ("__pycache__", ".")


def used(parts: tuple[str, ...] = READ) -> Iterator[Path]:
    """The sources among files and folders of the project."""
    for part in parts:
        place = ROOT / part
        for path in [place] if place.is_file() else sorted(place.rglob("*")):
            inside = path.relative_to(ROOT).parts
            if path.is_file() and not any(name.startswith(LEFT) for name in inside):
                yield path


def fingerprint(parts: tuple[str, ...] = READ) -> str:
    """Of what chapters use: another one if a file of it, Python or a library's version changed."""
    found = hashlib.sha256(sys.version.encode())
    for name in RECORDED:
        try:
            found.update(f"{name} {metadata.version(name)}\n".encode())
        except metadata.PackageNotFoundError:
            found.update(f"{name} is missing\n".encode())
    for path in used(parts):
        data = path.read_bytes()
        found.update(f"{path.relative_to(ROOT).as_posix()} {len(data)}\n".encode())
        found.update(data)
    return found.hexdigest()[:16]


def folder(kept: str | Path) -> Path:
    """The folder for executions with what is used now; those of other states are deleted."""
    place = Path(kept) / fingerprint()
    for other in Path(kept).glob("[0-9a-f]" * 16):
        if other != place:
            shutil.rmtree(other, ignore_errors=True)
    return place
