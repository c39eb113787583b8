"""A plugin of the chapters' run: what nbval executed becomes what the book shows.

`pytest -p tests.executed --nbval-lax book` compares each chapter's tagged outputs with the
committed ones. With a folder named in ELP_EXECUTED, a chapter whose every cell passed is put into
that cache with the outputs it had just now; `make book` with the same variable takes its pages
from there (book/_tools/elp_pages.py), and executes what is not there. So continuous integration
runs each chapter once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from nbval.plugin import IPyNbCell

sys.path.insert(0, str(Path(__file__).parents[1] / "book" / "_tools"))  # the tools are no package

import executions

pytest_plugins = ["nbval.plugin"]
FOLDER = os.environ.get("ELP_EXECUTED")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    yield  # raises where the cell failed: then the chapter lacks an output
    if FOLDER and isinstance(item, IPyNbCell):
        cells = [c for c in item.parent.nb.cells if c.cell_type == "code"]
        item.parent.ran = [*getattr(item.parent, "ran", []), item.test_outputs]
        if len(item.parent.ran) == len(cells):
            keep(item.parent, cells)


def keep(chapter: pytest.Collector, cells: list) -> None:
    """Into the cache, with the new outputs in the place of the committed ones."""
    for number, (cell, outputs) in enumerate(zip(cells, chapter.ran, strict=True), 1):
        cell.outputs, cell.execution_count = outputs, number
    made = CacheBundleIn(chapter.nb, str(chapter.path), data={"execution_seconds": None})
    kept = get_cache(executions.folder(FOLDER))
    kept.cache_notebook_bundle(made, check_validity=False, overwrite=True)
