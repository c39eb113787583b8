"""The same command gives the same bytes: under load, with other heaps, hash seeds and threads."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elp.training.run import CLOCKS
from tests.hostile.arena import Verdict, start, wait
from tests.hostile.bases import Bases
from tests.hostile.test_stopped import commands

pytestmark = [pytest.mark.hostile, pytest.mark.slow]
RUNS, FRESH = 20, 5  # of each command; of these in a process that begins with nothing
ROOT = Path(__file__).parents[2]
# clocks, and whose code began how: a fork has another argv[0] and asked for its commit earlier
TOLD = (*CLOCKS, "command", "commit")


@pytest.fixture(scope="module")
def load() -> Iterator[None]:
    """Two processes that take what time is left."""
    burn = "import os; os.nice(15)\nwhile os.getppid() != 1: sum(range(9999))"
    burning = [subprocess.Popen([sys.executable, "-c", burn]) for _ in range(2)]
    yield
    for process in burning:
        process.kill()
        process.wait()


def fresh(words: list[object], folder: Path, k: int) -> tuple[int, float]:
    """Exit code and CPU seconds of a run with its own hash seed, threads and filling of memory."""
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "PYTHONHASHSEED": str(k),
        "MALLOC_PERTURB_": str(k * 50 % 256),  # what uninitialised memory holds
        "OMP_NUM_THREADS": str(1 + k % 2),
    }
    before = os.times()
    with (folder / ".said").open("w") as said:
        done = subprocess.run(
            [sys.executable, "-m", "elp.cli", *map(str, words)],
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
    return done.returncode, os.times().children_user - before.children_user


def forked(words: list[object], folder: Path, k: int) -> tuple[int, float]:
    """The same of a run that inherits another heap."""
    rng = random.Random(k)
    held = [np.empty(rng.randrange(1, 50_000)) for _ in range(200)]
    del held[:: rng.randrange(2, 9)]
    _, status, used, _ = wait(start(words, folder))
    return os.waitstatus_to_exitcode(status), used.ru_utime


def contents(folder: Path) -> dict[str, bytes]:
    """Whole files by name; of what they tell of their own making all but `TOLD`."""
    return {
        str(path.relative_to(folder)): _made(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def _made(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix == ".json":
        return json.dumps(_untold(json.loads(data))).encode()
    if path.suffix == ".safetensors":
        length = int.from_bytes(data[:8], "little")
        head = json.loads(data[8 : 8 + length])
        said = head.get("__metadata__", {})
        head["__metadata__"] = {k: _untold(json.loads(x)) for k, x in said.items()}
        return json.dumps(head).encode() + data[8 + length :]
    return data


def _untold(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _untold(x) for k, x in value.items() if k not in TOLD}
    return value


@pytest.mark.parametrize("name", ["extract", "respond", "simulate", "build", "train"])
def test_equal_runs_give_equal_bytes(
    name: str, bases: Bases, report: object, tmp_path: Path, load: None
) -> None:
    verdicts, want = [], None
    for k in range(RUNS):
        folder = tmp_path / str(k)
        (folder / "out").mkdir(parents=True)
        words, began = commands(bases, Path("out"))[name], time.monotonic()
        code, seconds = (fresh if k < FRESH else forked)(words, folder, k)
        found = contents(folder / "out")
        want = found if want is None else want
        differs = sorted(n for n in found.keys() | want.keys() if found.get(n) != want.get(n))
        reason = f"exit code {code}" if code else f"differs: {differs}" if differs else ""
        if not found:
            reason = "nothing written"
        said = (folder / ".said").read_text()
        verdicts.append(
            Verdict(
                name=f"{name} {k}",
                code=code,
                seconds=seconds,
                megabytes=0.0,
                said=said,
                reason=reason,
                traceback="Traceback" in said,
                killed=code < 0 or time.monotonic() - began > 600,
            )
        )
    report.add(f"equal runs: {name}", verdicts)
