"""Tables read what files say."""

from __future__ import annotations

import pytest

from elp.evaluation import tables


def test_tables_show_arrows_and_the_best_competitor(result):
    plain = tables.table(result, tables.TABLE1, intervals=False)
    assert list(plain.columns)[:2] == ["facial FD ↓", "facial V-D →GT"]
    assert plain.loc["GT", "blink WTLCC ↑"] == pytest.approx(1)
    assert tables.best(result, "facial_fd") == "Random"  # bounds do not compete
    text = tables.table(result, tables.TABLE2)
    assert "<b>" in text.loc["Random", "FD ↓"]
    assert "<b>" not in text.loc["oracle", "FD ↓"]
    shown = [
        cell.split("<br>")[0].removeprefix("<b>").removesuffix("</b>") for cell in text["FD ↓"]
    ]
    # as many decimals in all rows
    assert len({len(x.partition(".")[2]) for x in shown}) == 1, shown
    assert [float(x) for x in shown] == pytest.approx(plain_fd(result), abs=0.006)


def plain_fd(result):
    return [method["all_fd"]["value"] for method in result["methods"].values()]
