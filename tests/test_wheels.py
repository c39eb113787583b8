"""Everything that elp needs comes as wheels for every Python and system that it names."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_python_and_system_has_wheels_of_what_is_asked_for_now() -> None:
    asks = runpy.run_path(str(ROOT / ".ci" / "wheels.py"))
    result = json.loads(asks["RESULT"].read_text(encoding="utf-8"))
    found = {(row["system"], row["python"]): row["resolves"] for row in result["rows"]}
    assert found == {(s, p): True for s in asks["SYSTEMS"] for p in asks["PYTHONS"]}
    assert result["asked"] == asks["digest"](), "dependencies changed: run `make wheels`"
