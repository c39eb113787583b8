"""Damaged files of every format: refused in a sentence, or used; never a crash."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hostile import inputs
from tests.hostile.arena import Case, judge
from tests.hostile.bases import Bases

pytestmark = [pytest.mark.hostile, pytest.mark.slow]


@pytest.mark.parametrize(
    "kind",
    [
        inputs.tables,
        inputs.images,
        inputs.arrays,
        inputs.checkpoints,
        inputs.corpora,
        inputs.films,
    ],
    ids=lambda kind: kind.__name__,
)
def test_damaged_files(
    kind: Callable[[Bases], Iterator[Case]], bases: Bases, report: object, tmp_path: Path
) -> None:
    report.add(kind.__name__, judge(kind(bases), tmp_path))
