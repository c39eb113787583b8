"""Where the numbers of a page come from: each cell that shows something of a result file opens that
file's card.

The page holds the cards, and `book/_static/elp.js` hangs them below the cells' outputs. It knows a
cell by its class, since code that is folded in a row becomes one cell of the page.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from docutils import nodes

from provenance import Reader

BOOK = Path(__file__).parents[1]
SHOWN = ("command", "commit", "device", "seed", "date", "seconds")


def sources(cells: list[str]) -> list[list[str]]:
    """Names of the result files behind each cell, from the code of all cells in order."""
    reader = Reader()
    return [sorted(reader.cell(code)) for code in cells]


def cards() -> dict[str, dict[str, Any]]:
    """Result file -> its run card: the file itself, or the first of its members that is one."""
    found = {}
    for path in sorted((BOOK / "results").glob("*.json")):
        value = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(value, dict):
            made = [v for v in (value, *value.values()) if isinstance(v, dict) and "commit" in v]
            found[path.stem] = made[0] if made else {}
    return found


def mark(app: Any, document: nodes.document) -> None:
    """The event `doctree-read`: each cell of code has a class with its number in the notebook."""
    for cell in document.findall(nodes.container):
        if cell.get("nb_element") == "cell_code":
            cell["classes"].append(f"elp-cell-{cell['cell_index']}")


def context(app: Any, name: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """The event `html-page-context` of Sphinx."""
    twin = BOOK / f"{Path(name).name}.py"
    if not name.startswith("book/") or not twin.exists() or "body" not in context:
        return
    import jupytext

    code = {n: c.source for n, c in enumerate(jupytext.read(twin).cells) if c.cell_type == "code"}
    found = zip(code, sources(list(code.values())), strict=True)
    cells = {n: names for n, names in found if names}
    if not cells:
        return
    known, used = cards(), {file for names in cells.values() for file in names}
    shown = {
        file: {key: known[file][key] for key in SHOWN if known[file].get(key) is not None}
        for file in sorted(used)
        if file in known
    }
    # a script holds text as it is; only its own end must not stand in it
    data = json.dumps({"cells": cells, "cards": shown}).replace("</", "<\\/")
    context["body"] += f'<script type="application/json" id="elp-cards">{data}</script>'


def setup(app: Any) -> dict[str, Any]:
    app.connect("doctree-read", mark)
    app.connect("html-page-context", context)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
