"""The code of a figure in one fold: cells of at most 15 lines make many folds in a row."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode


def join(app: Any, document: nodes.document, name: str) -> None:
    """The event `doctree-resolved`: folded cells that show nothing go into the fold after them."""
    for cell in list(document.findall(folded)):
        place = cell.parent.index(cell) + 1
        after = cell.parent[place] if place < len(cell.parent) else None
        if len(cell) == 1 and after is not None and folded(after):
            fold = after[0]
            fold[:] = cell[0].children + fold.children
            cell.parent.remove(cell)


def folded(node: nodes.Node) -> bool:
    """Whether it is a cell whose code is folded; what it shows follows in it."""
    return (
        isinstance(node, nodes.container)
        and node.get("hide_mode") == "input"
        and isinstance(node[0], HideCodeCellNode)
    )


def setup(app: Any) -> dict[str, Any]:
    app.connect("doctree-resolved", join)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
