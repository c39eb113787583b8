"""The floor under a method that is not told who listens."""

from __future__ import annotations

import pytest

from elp.corpus import Corpus
from elp.evaluation.bounds import Oracle
from elp.evaluation.measure import measure
from experiments.floor import floors


def test_floors_fall_with_what_is_known(simulated: Corpus) -> None:
    rows = floors(simulated, answers=3, bootstrap=20)
    fd = {
        row: {part: cell["fd"]["value"] for part, cell in cells.items()}
        for row, cells in rows.items()
    }
    for part in ("facial", "head"):
        assert (
            fd["knows speaker, emotion and listener"][part]
            < fd["oracle"][part]
            < fd["another listener"][part]
        )
        assert fd["knows speaker and emotion"][part] < fd["another listener"][part]
        assert rows["oracle"][part]["over_oracle"] == {"value": 1, "low": 1, "high": 1}
    for cells in rows.values():
        for cell in cells.values():
            assert cell["fd"]["value"] == pytest.approx(
                cell["mean_term"]["value"] + cell["covariance_term"]["value"], rel=1e-4
            )
    assert fd["knows emotion"]["facial"] < fd["knows nothing"]["facial"]
    plain = measure(simulated, Oracle(), samples=1)["facial_fd"]
    # the table's own metric, other draws
    assert plain.mean() == pytest.approx(fd["oracle"]["facial"], rel=0.5)
