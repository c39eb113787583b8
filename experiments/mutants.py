"""Would the tests see it? Small faults are drawn by seed over the core of `elp`, one at a time, and
the tests that run the changed line run on a copy of the repository.

    python experiments/mutants.py --count 200 --seed 1 -o mutants.json
    python experiments/mutants.py --only elp/model/style.py:45 elp/face/fit.py:41
    python experiments/mutants.py --again mutants.json --tests tests/render -o again.json
    python experiments/mutants.py --count 200 --seed 4 --jobs 30

A fault is an operator, a comparison or a constant turned into its neighbour. Caught is one under
which a test fails, or runs out of time. A survivor is either a fault that no test sees, or none: a
change that alters nothing, which a reader must argue. Slow tests stay out, so that what only they
see counts as survived; with `--chapters`, the chapters that name a survivor's module are executed
and compared, too.

First every fast test runs once under `coverage`, some minutes: the chart of which test runs which
line is kept in runs/ for as long as neither elp/ nor tests/ change. Each mutant is then a fork of
one process that has loaded torch and the rest, and runs the tests of its line, the quickest first.
What was found of a mutant is kept there, too, so that a run that was stopped goes on. `--again`
asks tests that are named, new ones, about an earlier report's survivors; it needs no chart.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import hashlib
import json
import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

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
OPTIONS = ["-q", "-m", "not slow", "-p", "no:cacheprovider", "-p", "no:xdist"]
OPTIONS += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # hypothesis is loaded already
CHAPTERS = ["-q", "-p", "no:cacheprovider", "-p", "tests.executed", "--nbval-lax"]
CHAPTERS += ["--nbval-sanitize-with=tests/nbval.cfg"]
MEMORY = 16 << 30  # bytes of addresses for the tests of a mutant that makes something huge
LOADED = "torch pandas pyarrow.parquet scipy.stats scipy.signal sklearn.cluster cv2 skimage.data"
LOADED += (
    " hypothesis.extra.numpy jaxtyping beartype safetensors.torch typer joblib av soundfile PIL"
)


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


@cache
def state() -> str:
    """Of elp/ and tests/: what was found of other files is not kept."""
    digest = hashlib.sha256()
    for path in sorted([*(ROOT / "elp").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def chart(copy: Path) -> dict[str, Any]:
    """Which tests run which line, and how long each takes; kept as long as no file changes.

    Returns:
        "lines": file -> line -> numbers of tests; "tests": their names; "seconds": of each.
    """
    kept = ROOT / "runs" / f"mutants-{state()}.json"
    if not kept.exists():
        kept.parent.mkdir(exist_ok=True)
        process = multiprocessing.get_context("fork").Process(target=_charted, args=(copy, kept))
        process.start()
        process.join()
    return json.loads(kept.read_text())


def _charted(copy: Path, kept: Path) -> None:
    import coverage
    import pytest

    measured = coverage.Coverage(data_file=None, source=[str(copy / "elp")], config_file=False)
    plugin = Chart(measured)
    _enter(copy)
    measured.start()
    pytest.main([*OPTIONS, "tests"], plugins=[plugin])
    measured.stop()
    data, numbers = measured.get_data(), {name: n for n, name in enumerate(plugin.seconds)}
    lines: dict[str, dict[int, list[int]]] = {}
    for path in data.measured_files():
        found = {
            line: sorted({n for name in names for n in plugin.tests(name, numbers)})
            for line, names in data.contexts_by_lineno(path).items()
        }
        lines[str(Path(path).relative_to(copy))] = found
    seconds = [round(x, 3) for x in plugin.seconds.values()]
    kept.write_text(json.dumps({"tests": list(numbers), "seconds": seconds, "lines": lines}))
    os._exit(0)


class Chart:
    """A plugin that tells `coverage` which test runs. What a fixture does that tests share is done
    for all tests of the file.
    """

    def __init__(self, measured: Any) -> None:
        self.measured, self.now = measured, ""
        self.seconds: dict[str, float] = {}

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.now = nodeid
        self.measured.switch_context(nodeid)

    def pytest_fixture_setup(self, fixturedef: Any) -> None:
        if fixturedef.scope != "function":
            self.measured.switch_context(self.now.partition("::")[0])

    def pytest_fixture_post_finalizer(self) -> None:
        self.measured.switch_context(self.now)

    def pytest_runtest_call(self) -> None:
        self.measured.switch_context(self.now)

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.passed:
            before = self.seconds.get(report.nodeid, 0.0)
            self.seconds[report.nodeid] = before + report.duration

    @staticmethod
    def tests(name: str, numbers: dict[str, int]) -> list[int]:
        """The tests that a context stands for: itself, or all of a file."""
        if "::" in name or not name:
            return [numbers[name]] if name in numbers else []
        return [n for test, n in numbers.items() if test.startswith(f"{name}::")]


def covering(charted: dict[str, Any], mutant: Mutant, budget: float) -> tuple[list[str], float]:
    """The tests that run a mutant's line, those of its own name first, then the quickest, as far as
    `budget` seconds go; and how long they take.
    """
    seconds, tests, name = charted["seconds"], charted["tests"], Path(mutant.file).stem
    lines = charted["lines"].get(mutant.file, {})
    # a statement over several lines counts where it begins
    before = [n for n in map(int, lines) if n <= mutant.line]
    numbers = lines.get(str(mutant.line)) or lines.get(str(max(before, default=0)))
    if not numbers:  # what runs when the module loads: for all tests of the module
        numbers = sorted({n for found in lines.values() for n in found})
    chosen, total = [], 0.0
    for n in sorted(numbers, key=lambda n: (name not in tests[n], seconds[n])):
        if chosen and total + seconds[n] > budget:
            continue
        chosen.append(tests[n])
        total += seconds[n]
    return chosen, total


def related(file: str) -> tuple[str, ...]:
    """The chapters that name a module."""
    module = ".".join(Path(file).with_suffix("").parts)
    parent, _, name = module.rpartition(".")
    named = (module, f"from {parent} import {name}")
    twins = sorted((ROOT / "book").glob("[0-9]*.py"))
    return tuple(
        f"book/{twin.stem}.ipynb"
        for twin in twins
        if any(words in twin.read_text(encoding="utf-8") for words in named)
    )


def run(copy: Path, tests: list[str], seconds: float, options: list[str]) -> str:
    """Nothing if tests pass, "time" if they take too long, else those that fail, a line each."""
    fork = multiprocessing.get_context("fork")  # torch and the rest are loaded already
    said = copy / "said"
    said.unlink(missing_ok=True)
    process = fork.Process(target=_tested, args=(copy, tests, said, options))
    process.start()
    process.join(seconds)
    if process.is_alive():
        process.kill()
        process.join()
        return "time"
    if process.exitcode == 0:
        return ""
    if process.exitcode == 1 and not said.exists():
        raise RuntimeError("pytest itself failed, no test did: nothing was learned")
    if said.exists():
        return said.read_text().strip()
    # 2 and 4: a module that no longer loads; others are pytest's own fall, and no test saw a thing
    return f"exit {process.exitcode}" if process.exitcode in (2, 4) else ""


class Failures:
    """A plugin that writes down which tests failed."""

    def __init__(self, said: Path) -> None:
        self.said = said

    def pytest_runtest_logreport(self, report: object) -> None:
        if report.failed:  # type: ignore[attr-defined]
            with self.said.open("a") as file:
                file.write(f"{report.nodeid}\n")  # type: ignore[attr-defined]


def _enter(copy: Path) -> None:
    """Work in the copy, in silence."""
    os.chdir(copy)
    sys.path[:] = [str(copy), *(p for p in sys.path if p not in ("", str(ROOT)))]
    silent = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(silent, stream)


def _tested(copy: Path, tests: list[str], said: Path, options: list[str]) -> None:
    import pytest

    _enter(copy)
    # above what is loaded already: libraries for many cores or for CUDA claim more than that
    loaded = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY + loaded, MEMORY + loaded))
    os._exit(pytest.main([*options, *tests], plugins=[Failures(said)]))


@contextlib.contextmanager
def copied() -> Iterator[Path]:
    """A copy of what the tests need, which alone they then know."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        names = ".venv .git dist build __pycache__ _build _vendor _runtime runs corpora"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*names.split()))
        (copy / ".venv").symlink_to(ROOT / ".venv")
        os.environ["PYTHONPATH"] = str(copy)
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        sys.dont_write_bytecode = False  # compiled once, not for every fault
        data = ROOT.parent / "shared" / "data"
        os.environ.setdefault("ELP_TEST_DATA", str(data))
        yield copy


def write(path: Path, source: str) -> None:
    """A module's text, without the bytecode of another: Python tells them by size and second."""
    path.write_text(source, encoding="utf-8")
    for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*"):
        compiled.unlink(missing_ok=True)


Found = tuple[Mutant, int, str]  # a mutant, how many tests run its line, and who saw it, or ""


def examine(
    chosen: list[Mutant], budget: float, chapters: bool, named: list[str], jobs: int
) -> Iterator[Found]:
    """What the tests say of each mutant, as they are done."""
    for name in LOADED.split():
        __import__(name)
    charted: dict[str, Any] = {}
    if not named:
        with copied() as copy:
            charted = chart(copy)
    fork = multiprocessing.get_context("fork")
    found = fork.SimpleQueue()

    def work(part: list[Mutant]) -> None:
        for row in _examined(part, charted, budget, chapters, named):
            found.put(row)

    workers = [fork.Process(target=work, args=(chosen[k::jobs],)) for k in range(jobs)]
    for worker in workers:
        worker.start()
    try:
        left = len(chosen)
        while left:
            if found.empty():
                if not any(worker.is_alive() for worker in workers) and found.empty():
                    raise RuntimeError("the workers ended before their work: see above")
                time.sleep(0.1)
                continue
            yield found.get()
            left -= 1
    except BaseException:
        for worker in workers:
            worker.terminate()
        raise
    finally:
        for worker in workers:
            worker.join()


def _examined(
    chosen: list[Mutant], charted: dict[str, Any], budget: float, chapters: bool, named: list[str]
) -> Iterator[Found]:
    """The same of some mutants, one after the other in a copy of their own."""
    with copied() as copy:
        for mutant in chosen:
            path = copy / mutant.file
            source = path.read_text(encoding="utf-8")
            tests, takes = (named, budget) if named else covering(charted, mutant, budget)
            write(path, mutant.applied(source))
            seen = run(copy, tests, 60 + 10 * takes, [*OPTIONS, "-x"]) if tests else ""
            if chapters and not seen and (books := related(mutant.file)):
                seen = run(copy, list(books), 1800, [*CHAPTERS, "-x"])
            write(path, source)
            yield mutant, len(tests), seen


def sound(rows: list[dict[str, Any]]) -> None:
    """What fails without a fault, too, has seen none."""
    tests = sorted({row["seen_by"] for row in rows if row["seen_by"].startswith("tests/")})
    with copied() as copy:
        failing = run(copy, tests, 1800, OPTIONS).splitlines() if tests else []
    for row in rows:
        if row["seen_by"] in failing:
            print(f"{row['seen_by']} fails without a fault too: not counted as seen", flush=True)
            row["seen_by"] = ""


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


def mutant(row: dict[str, Any]) -> Mutant:
    """That of a report's row."""
    return Mutant(**{field.name: row[field.name] for field in fields(Mutant)})


def remembered() -> list[dict[str, Any]]:
    """Rows that were found of the same files, by a run that was stopped or by another count."""
    kept = ROOT / "runs" / f"mutants-{state()}.jsonl"
    return [json.loads(line) for line in kept.open()] if kept.exists() else []


def remember(row: dict[str, Any]) -> None:
    """Keep a row for the next run."""
    (ROOT / "runs").mkdir(exist_ok=True)
    with (ROOT / "runs" / f"mutants-{state()}.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")


def main() -> None:
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--count", type=int, default=200)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--only", nargs="+", default=[], help="places: file, or file:line; all of them")
    p.add_argument("--again", type=Path, help="a report, whose survivors are tried once more")
    p.add_argument("--tests", nargs="+", default=[], help="with these tests alone")
    p.add_argument("--budget", type=float, default=30.0, help="seconds of tests for each mutant")
    p.add_argument("--minutes", type=float, default=1e9, help="draw no further mutant after these")
    p.add_argument("--chapters", action="store_true", help="execute what names a survivor, too")
    p.add_argument("--jobs", type=int, default=1, help="mutants that are tried at the same time")
    p.add_argument("-o", "--out", type=Path, help="a JSON of every mutant and who saw it")
    a = p.parse_args()
    started = time.time()
    if a.again:
        known = json.loads(a.again.read_text())["mutants"]
        rows = [row for row in known if row["seen_by"]]
        fresh = [mutant(row) for row in known if not row["seen_by"]]
    else:
        chosen = pool(a.only)
        if not a.only:
            rng = np.random.default_rng(a.seed)
            chosen = [chosen[k] for k in rng.permutation(len(chosen))[: a.count]]
        rows = [row for row in remembered() if mutant(row) in chosen]
        fresh = [m for m in chosen if m not in map(mutant, rows)]
    for one, tests, seen in examine(fresh, a.budget, a.chapters, a.tests, a.jobs):
        rows.append(asdict(one) | {"tests": tests, "seen_by": seen})
        if not a.again:
            remember(rows[-1])
        print(f"{'caught  ' if seen else 'SURVIVED'}  {one}  {seen or tests}", flush=True)
        if time.time() - started > 60 * a.minutes:
            break
    sound(rows)
    caught = sum(bool(row["seen_by"]) for row in rows)
    print(f"{caught} of {len(rows)} caught, seed {a.seed}, {time.time() - started:.0f} s")
    if a.out:
        from elp.records import run_card, write_json

        command = f"python experiments/mutants.py --count {a.count} --seed {a.seed}"
        card = run_card(seed=a.seed, started=started, command=command)
        write_json(a.out, card | {"caught": caught, "mutants": rows})


if __name__ == "__main__":
    main()
