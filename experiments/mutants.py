"""Would the tests see it? Small faults are drawn by seed over the core of `elp`, one at a time, and
the tests of the room that each is in run on a copy of the repository.

    python experiments/mutants.py --count 60 --seed 1 -o mutants.json
    python experiments/mutants.py --only elp/model/style.py:45 elp/face/fit.py:41

A fault is an operator, a comparison or a constant turned into its neighbour. Caught is one under
which a test fails, or runs out of time. A survivor is either a fault that no test sees, or none: a
change that alters nothing, which a reader must argue. Slow tests and chapters stay out, so that
what only they see counts as survived.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
CORE = "model training listener metrics face extraction render corpus media motion".split()
# no machine without CUDA runs them; what they print and draw is no arithmetic
LEFT_OUT = ("training/cuda/", "training/meter.py")
NEIGHBOURS = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "/",
    ast.Div: "*",
    ast.FloorDiv: "*",
    ast.Mod: "*",
    ast.Pow: "*",
    ast.BitAnd: "|",
    ast.BitOr: "&",
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
    ast.And: "or",
    ast.Or: "and",
}
LOADED = ("torch", "pandas", "scipy.stats", "sklearn.cluster", "cv2", "skimage")


@dataclass(frozen=True)
class Mutant:
    """The characters `start` to `end` of a file turned into `new`; `line` as a reader counts."""

    file: str
    line: int
    start: int
    end: int
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}  {self.old} -> {self.new or 'nothing'}"

    def applied(self, source: str) -> str:
        """The file's text with the fault in it."""
        assert source[self.start : self.end] == self.old
        return source[: self.start] + self.new + source[self.end :]


def mutants(path: Path) -> list[Mutant]:
    """Every fault that can be drawn of one file."""
    source = path.read_text(encoding="utf-8")
    # positions are in bytes, a file's text is in characters
    lines = [line.encode() for line in source.splitlines(keepends=True)]
    starts = np.cumsum([0, *(len(line.decode()) for line in lines)])

    def at(line: int, column: int) -> int:
        return int(starts[line - 1]) + len(lines[line - 1][:column].decode())

    found = []
    for start, end, old, new in _changes(source, ast.parse(source), at):
        line = source.count("\n", 0, start) + 1
        found.append(Mutant(str(path.relative_to(ROOT)), line, start, end, old, new))
    return found


def _changes(source: str, tree: ast.AST, at: object) -> Iterator[tuple[int, int, str, str]]:
    """(start, end, old, new) of each change, annotations and docstrings aside."""
    for node in _code(tree):
        if isinstance(node, ast.BinOp):
            yield from _between(source, at, node.left, node.right, node.op)
        elif isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            for left, right, op in zip(sides, sides[1:], node.ops):
                yield from _between(source, at, left, right, op)
        elif isinstance(node, ast.BoolOp):
            for left, right in zip(node.values, node.values[1:]):
                yield from _between(source, at, left, right, node.op)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not):
            start = at(node.lineno, node.col_offset)
            old = "-" if isinstance(node.op, ast.USub) else "not "
            yield start, start + len(old), old, ""
        elif isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float):
            start, end = at(node.lineno, node.col_offset), at(node.end_lineno, node.end_col_offset)
            value = node.value
            new = not value if isinstance(value, bool) else value + 1
            yield start, end, source[start:end], repr(new)


def _code(node: ast.AST) -> Iterator[ast.AST]:
    """Nodes that run: neither annotations nor what is for type checkers."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "type_params"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            if isinstance(child, ast.AST):
                yield child
                yield from _code(child)


def _between(
    source: str, at: object, left: ast.expr, right: ast.expr, op: ast.AST
) -> Iterator[tuple[int, int, str, str]]:
    """The operator's own characters, between its two sides."""
    new = NEIGHBOURS.get(type(op))
    first, last = at(left.end_lineno, left.end_col_offset), at(right.lineno, right.col_offset)
    gap = source[first:last]
    old = gap.strip("() \n\\")
    if new and old and "#" not in gap:
        start = first + gap.index(old)
        yield start, start + len(old), old, new


def related(file: str) -> tuple[str, ...]:
    """The test files of a module: those of its room, and those elsewhere that name it."""
    path = Path(file)
    module = ".".join(path.with_suffix("").parts)
    room = ROOT / "tests" / path.parts[1].removesuffix(".py")
    mine = set(room.rglob("test_*.py")) | set(ROOT.glob(f"tests/test_{room.name}.py"))
    name = path.stem
    for test in (ROOT / "tests").rglob("test_*.py"):
        text = test.read_text(encoding="utf-8")
        if module in text or f"from {module.rpartition('.')[0]} import {name}" in text:
            mine.add(test)
    here = {test for test in mine if "browser" not in test.parts}
    # a file of the module's own name first: it sees most, soonest
    ordered = sorted(here, key=lambda test: (name not in test.stem, str(test)))
    return tuple(str(test.relative_to(ROOT)) for test in ordered)


def run(copy: Path, tests: tuple[str, ...], seconds: float) -> str:
    """Nothing if the tests pass, "time" if they take too long, else the first that fails."""
    fork = multiprocessing.get_context("fork")  # torch and the rest are loaded already
    said = copy / "said"
    said.unlink(missing_ok=True)
    process = fork.Process(target=_tested, args=(copy, tests, said))
    process.start()
    process.join(seconds)
    if process.is_alive():
        process.kill()
        process.join()
        return "time"
    if process.exitcode == 0:
        return ""
    return said.read_text().strip() if said.exists() else f"exit {process.exitcode}"


class FirstFailure:
    """A plugin that writes down which test failed."""

    def __init__(self, said: Path) -> None:
        self.said = said

    def pytest_runtest_logreport(self, report: object) -> None:
        if report.failed:  # type: ignore[attr-defined]
            self.said.write_text(report.nodeid)  # type: ignore[attr-defined]


def _tested(copy: Path, tests: tuple[str, ...], said: Path) -> None:
    import pytest

    os.chdir(copy)
    sys.path[:] = [str(copy), *(p for p in sys.path if p not in ("", str(ROOT)))]
    silent = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(silent, stream)
    options = ["-x", "-q", "-m", "not slow", "-p", "no:cacheprovider", "-p", "no:xdist"]
    os._exit(pytest.main([*options, *tests], plugins=[FirstFailure(said)]))


@contextlib.contextmanager
def copied() -> Iterator[Path]:
    """A copy of what the tests need, which alone they then know."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        names = ".venv .git dist build __pycache__ _build _vendor _runtime *.ipynb runs corpora"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*names.split()))
        (copy / ".venv").symlink_to(ROOT / ".venv")
        os.environ["PYTHONPATH"] = str(copy)
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        data = ROOT.parent / "shared" / "data"
        os.environ.setdefault("ELP_TEST_DATA", str(data))
        yield copy


def examine(chosen: list[Mutant], seconds: float) -> Iterator[tuple[Mutant, str]]:
    """(mutant, which test saw it, or ""), one after the other."""
    for name in LOADED:
        __import__(name)
    with copied() as copy:

        @cache
        def sound(test: str) -> bool:
            return not run(copy, (test,), seconds)

        for mutant in chosen:
            path = copy / mutant.file
            source = path.read_text(encoding="utf-8")
            path.write_text(mutant.applied(source), encoding="utf-8")
            seen = run(copy, related(mutant.file), seconds)
            path.write_text(source, encoding="utf-8")
            if "::" in seen and not sound(seen):
                sys.exit(f"{seen} fails without a fault too: mend that first")
            yield mutant, seen


def pool(only: list[str]) -> list[Mutant]:
    """Every mutant of the core, or of the places that are named as "file:line" or "file"."""
    files = [ROOT / place.partition(":")[0] for place in only] or [
        path
        for path in sorted((ROOT / "elp").rglob("*.py"))
        if path.relative_to(ROOT / "elp").parts[0].removesuffix(".py") in CORE
        and not any(part in str(path) for part in LEFT_OUT)
    ]
    every = [mutant for path in dict.fromkeys(files) for mutant in mutants(path)]
    named = [place for place in only if ":" in place]
    return [m for m in every if not named or f"{m.file}:{m.line}" in named]


def main() -> None:
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--count", type=int, default=200)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--only", nargs="+", default=[], help="places: file, or file:line; all of them")
    p.add_argument("--seconds", type=float, default=600.0, help="that tests may take")
    p.add_argument("-o", "--out", type=Path, help="a JSON of every mutant and who saw it")
    a = p.parse_args()
    chosen = pool(a.only)
    if not a.only:
        rng = np.random.default_rng(a.seed)
        chosen = [chosen[k] for k in rng.permutation(len(chosen))[: a.count]]
    started, rows = time.time(), []
    for mutant, seen in examine(chosen, a.seconds):
        rows.append(asdict(mutant) | {"seen_by": seen})
        print(f"{'caught  ' if seen else 'SURVIVED'}  {mutant}  {seen}", flush=True)
    caught = sum(bool(row["seen_by"]) for row in rows)
    print(f"{caught} of {len(rows)} caught, seed {a.seed}, {time.time() - started:.0f} s")
    if a.out:
        from elp.records import run_card, write_json

        command = f"python experiments/mutants.py --count {a.count} --seed {a.seed}"
        card = run_card(seed=a.seed, started=started, command=command)
        write_json(a.out, card | {"caught": caught, "mutants": rows})


if __name__ == "__main__":
    main()
