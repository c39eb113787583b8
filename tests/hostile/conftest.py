"""Only `-m hostile` runs these; what was tried and held goes into report.json."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from elp.records import run_card, write_json
from tests.hostile.arena import Verdict
from tests.hostile.bases import Bases, make_bases

HERE = Path(__file__).parent
COUNTS = ("tried", "held", "refused", "tracebacks", "killed")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the suite out where nobody asks for it by name."""
    if "hostile" in config.getoption("markexpr"):
        return
    ours = [item for item in items if HERE in item.path.parents]
    config.hook.pytest_deselected(items=ours)
    items[:] = [item for item in items if HERE not in item.path.parents]


class Report:
    """What was tried, by kind: each goes over what an earlier run found of the same kind."""

    def __init__(self, path: Path) -> None:
        self.path, self.started = path, time.time()

    def add(self, kind: str, verdicts: list[Verdict], **more: object) -> None:
        """Write a kind's verdicts; raises AssertionError naming those that do not hold."""
        broken = [f"{v.name}: {v.reason}" for v in verdicts if v.reason]
        found: dict[str, Any] = {
            "tried": len(verdicts),
            "held": len(verdicts) - len(broken),
            "refused": sum(v.code == 2 for v in verdicts),
            "tracebacks": sum(v.traceback for v in verdicts),
            "killed": sum(v.killed for v in verdicts),
            "longest CPU seconds": round(max((v.seconds for v in verdicts), default=0), 1),
            "largest MB": round(max((v.megabytes for v in verdicts), default=0)),
            "not held": broken,
            **more,
        }
        before = json.loads(self.path.read_text()) if self.path.exists() else {"kinds": {}}
        kinds = dict(sorted((before["kinds"] | {kind: found}).items()))
        total = {name: sum(one[name] for one in kinds.values()) for name in COUNTS}
        card = run_card(seed=0, started=self.started, command="make hostile")
        card |= {"notes": before.get("notes", {})}  # what a reader adds by hand
        write_json(self.path, card | {"total": total, "kinds": kinds})
        assert not broken, "\n".join(broken)


@pytest.fixture(scope="session")
def report() -> Report:
    return Report(Path(os.environ.get("ELP_HOSTILE_REPORT", HERE / "report.json")))


@pytest.fixture(scope="session")
def bases(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Bases:
    """Sound files, which the cases damage."""
    return make_bases(tmp_path_factory.mktemp("bases"), shared_data)
