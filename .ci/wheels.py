"""Does everything that elp needs come as wheels, without a compiler?

`make wheels` asks for each Python and each system, and keeps the answers in
book/results/wheels.json, which tests/test_wheels.py reads.

    python .ci/wheels.py UV
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
import tomllib
from pathlib import Path

from elp.records import run_card, write_json

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "book" / "results" / "wheels.json"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
SYSTEMS = {
    "Linux": "x86_64-unknown-linux-gnu",
    "macOS 14, arm64": "aarch64-apple-darwin",
    "Windows": "x86_64-pc-windows-msvc",
}
EXTRAS = ("media", "export", "live", "book", "test", "dev")


def digest() -> str:
    """Of what is asked for: another dependency needs other answers."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [project[key] for key in ("requires-python", "dependencies", "optional-dependencies")]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


def resolve(uv: str, python: str, system: str) -> dict[str, object]:
    """How many packages are needed, or what is missing."""
    words = [uv, "pip", "compile", "-q", "pyproject.toml", "--only-binary", ":all:"]
    words += ["--python-version", python, "--python-platform", SYSTEMS[system]]
    for extra in EXTRAS:
        words += ["--extra", extra]
    # the oldest macOS that its maker still mends
    environment = os.environ | {"MACOSX_DEPLOYMENT_TARGET": "14.0"}
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, env=environment)
    found = [line for line in done.stdout.splitlines() if "==" in line and line[0].isalnum()]
    row = {"python": python, "system": system, "resolves": done.returncode == 0}
    return row | ({"missing": done.stderr.strip()} if done.returncode else {"packages": len(found)})


def main() -> None:
    started, rows = time.time(), []
    for system in SYSTEMS:
        for python in PYTHONS:
            rows.append(resolve(sys.argv[1], python, system))
            print(rows[-1], flush=True)
    card = run_card(seed=None, started=started, command="make wheels")
    write_json(RESULT, card | {"extras": list(EXTRAS), "asked": digest(), "rows": rows})
    sys.exit(not all(row["resolves"] for row in rows))


if __name__ == "__main__":
    main()
