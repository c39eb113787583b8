"""Where the numbers of a page come from: each cell that shows something of a result file opens that
file's card.

A variable that is assigned from `results.read("name")` carries that name on to whatever is computed
from it, over all cells of the page; a cell has the names of all variables that it uses. The page
holds the cards, and `book/_static/elp.js` hangs them below the cells' outputs.
"""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

BOOK = Path(__file__).parents[1]
SHOWN = ("command", "commit", "device", "seed", "date", "seconds")


def sources(cells: list[str]) -> list[list[str]]:
    """Names of the result files behind each cell, from the code of all cells in order."""
    carried: dict[str, set[str]] = {}
    found = []
    for code in cells:
        here: set[str] = set()
        for statement in ast.parse(code).body:
            names = _names(statement, carried)
            here |= names
            for target in _targets(statement):
                carried[target] = carried.get(target, set()) | names
        found.append(sorted(here))
    return found


def _names(node: ast.AST, carried: dict[str, set[str]]) -> set[str]:
    names: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            names |= carried.get(part.id, set())
        if isinstance(part, ast.Call) and ast.unparse(part.func) == "results.read":
            argument = part.args[0]
            names |= {argument.value} if isinstance(argument, ast.Constant) else set()
    return names


def _targets(statement: ast.stmt) -> set[str]:
    """Variables that a statement changes, with those of `x.append(y)` and `x |= y`."""
    inside = {  # a comprehension's own variables end with it
        id(name)
        for part in ast.walk(statement)
        if isinstance(part, ast.comprehension)
        for name in ast.walk(part.target)
    }
    stored = {
        part.id
        for part in ast.walk(statement)
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store) and id(part) not in inside
    }
    for part in ast.walk(statement):
        if isinstance(part, (ast.Attribute, ast.Subscript)) and isinstance(part.value, ast.Name):
            called = isinstance(part, ast.Attribute) and isinstance(statement, (ast.Expr, ast.For))
            if called or isinstance(part.ctx, ast.Store):
                stored.add(part.value.id)
    return stored - {"figures", "results", "tables", "np", "pd", "go", "plots", "claims", "print"}


def cards() -> dict[str, dict[str, Any]]:
    """Result file -> its run card: the file itself, or the first of its members that is one."""
    found = {}
    for path in sorted((BOOK / "results").glob("*.json")):
        value = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(value, dict):
            made = [v for v in (value, *value.values()) if isinstance(v, dict) and "commit" in v]
            found[path.stem] = made[0] if made else {}
    return found


def context(app: Any, name: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """The event `html-page-context` of Sphinx."""
    twin = BOOK / f"{Path(name).name}.py"
    if not name.startswith("book/") or not twin.exists() or "body" not in context:
        return
    import jupytext

    read = [c.source for c in jupytext.read(twin).cells if c.cell_type == "code"]
    cells = {n: names for n, names in enumerate(sources(read)) if names}
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
    app.connect("html-page-context", context)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
