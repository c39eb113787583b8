"""Only `-m hostile` runs these; what was tried and held goes into report.json."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from elp.records import run_card, write_json
from tests.hostile.arena import Verdict
from tests.hostile.bases import Bases, make_bases

HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the suite out where nobody asks for it by name."""
    if "hostile" in config.getoption("markexpr"):
        return
    ours = [item for item in items if HERE in item.path.parents]
    config.hook.pytest_deselected(items=ours)
    items[:] = [item for item in items if HERE not in item.path.parents]


class Report:
    """What was tried, by kind."""

    def __init__(self) -> None:
        self.started = time.time()
        self.kinds: dict[str, dict[str, Any]] = {}

    def add(self, kind: str, verdicts: list[Verdict], **more: object) -> None:
        """Count a kind's verdicts; raises AssertionError naming those that do not hold."""
        broken = [f"{v.name}: {v.reason}" for v in verdicts if v.reason]
        self.kinds[kind] = {
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
        assert not broken, "\n".join(broken)


@pytest.fixture(scope="session")
def report() -> Iterator[Report]:
    """What a run tried goes over what an earlier one found of the same kinds."""
    made = Report()
    yield made
    path = Path(os.environ.get("ELP_HOSTILE_REPORT", HERE / "report.json"))
    earlier = json.loads(path.read_text())["kinds"] if path.exists() else {}
    kinds = dict(sorted((earlier | made.kinds).items()))
    total = {
        key: sum(kind[key] for kind in kinds.values())
        for key in ("tried", "held", "refused", "tracebacks", "killed")
    }
    card = run_card(seed=0, started=made.started, command="make hostile")
    write_json(path, card | {"total": total, "kinds": kinds})


@pytest.fixture(scope="session")
def bases(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Bases:
    """Sound files, which the cases damage."""
    return make_bases(tmp_path_factory.mktemp("bases"), shared_data)
