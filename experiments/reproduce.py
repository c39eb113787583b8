"""Run the command of a result file once more: `make reproduce NAME=stream`, or
`python -m experiments.reproduce stream`.

The card of each file in `book/results/` names its command. Scripts that moved since are found by
name; a command that names folders of data needs these at hand, and one that is a description
cannot be run.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

from elp.errors import ElpError, one_sentence

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "book" / "results"


def command(name: str) -> list[str]:
    """The arguments to run, with this Python.

    Raises:
        ElpError: there is no such file, or its card holds no command that can be run.
    """
    path = RESULTS / f"{name.removesuffix('.json')}.json"
    if not path.exists():
        known = ", ".join(sorted(p.stem for p in RESULTS.glob("*.json")))
        raise ElpError(f"{name}: no such result file: choose one of {known}")
    value = json.loads(path.read_text(encoding="utf-8"))
    card = next(
        (c for c in (value, value.get("run"), value.get("card")) if c and "command" in c), {}
    )
    words = shlex.split(card.get("command") or "")
    words = words[1:] if words[:1] == ["python"] else words
    if words[:1] == ["make"]:
        return words
    if words[:1] == ["-m"] and len(words) > 1:
        return [sys.executable, *words]
    script = _script(words[0]) if words and words[0].endswith(".py") else None
    if script is None:
        raise ElpError(f"{path.name}: its card describes the run, with no command: read it there")
    return [
        sys.executable,
        "-m",
        ".".join(script.relative_to(ROOT).with_suffix("").parts),
        *words[1:],
    ]


def _script(written: str) -> Path | None:
    """Where the script is now."""
    name = Path(written).name
    places = [ROOT / written, ROOT / "benchmarks" / name, ROOT / "experiments" / name]
    return next((place for place in places if place.exists()), None)


def main(names: list[str]) -> int:
    if len(names) != 1:
        raise ElpError("reproduce: name one result file: make reproduce NAME=stream")
    run = command(names[0])
    print("$", shlex.join(run), flush=True)
    return subprocess.run(run, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    with one_sentence():
        sys.exit(main(sys.argv[1:]))
