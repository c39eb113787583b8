"""What the book's pages need of Sphinx.

`{elp-results}`: a table of the committed result files, one row each, from what the files record.
Docstrings are plain text with formulas: bars and trailing underscores are no markup in them,
backticks are code.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive

RESULTS = Path(__file__).parents[1] / "results"
COLUMNS = ("Result", "Command", "Commit", "Seed", "Device", "Python, torch", "Date", "Seconds")


def cards() -> list[tuple[str, dict[str, Any]]]:
    """(file name, run card) of each result file; the card is the file itself or its member
    `run`.
    """
    found = []
    for path in sorted(RESULTS.glob("*.json")):
        value = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(value, dict):
            card = next(
                (
                    v
                    for v in (value.get("run"), value.get("card"), value)
                    if isinstance(v, dict) and "commit" in v
                ),
                {},
            )
            found.append((path.name, card))
    return found


def row(name: str, card: dict[str, Any]) -> list[str]:
    versions = card.get("versions", {})
    stack = ", ".join(str(v) for v in (card.get("python"), versions.get("torch")) if v)
    values = [card.get(key) for key in ("command", "commit", "seed")]
    seconds = card.get("seconds")
    return [
        name,
        *("" if v is None else str(v) for v in values),
        str(card.get("device", "")),
        stack,
        str(card.get("date", ""))[:10],
        "" if seconds is None else f"{seconds:,.0f}",
    ]


class Results(Directive):
    def run(self) -> list[nodes.Node]:
        env = self.state.document.settings.env
        rows = [row(*item) for item in cards()]
        for name, _ in cards():
            env.note_dependency(str(RESULTS / name))
        if not rows:
            return [nodes.paragraph(text="No result file yet.")]
        group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in COLUMNS), cols=len(COLUMNS))
        group += nodes.thead("", self.line(list(COLUMNS)))
        group += nodes.tbody("", *(self.line(cells, code=(1, 2)) for cells in rows))
        return [nodes.table("", group)]

    @staticmethod
    def line(cells: list[str], code: tuple[int, ...] = ()) -> nodes.row:
        row = nodes.row()
        for i, text in enumerate(cells):
            shown = nodes.literal(text=text) if i in code and text else nodes.Text(text)
            row += nodes.entry("", nodes.paragraph("", "", shown))
        return row


def plain(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Escape what reStructuredText would take for markup, outside of backticks."""
    for number, line in enumerate(lines):
        parts = line.split("`")
        parts[::2] = [re.sub(r"(\||(?<=\w)_(?!\w))", r"\\\1", part) for part in parts[::2]]
        lines[number] = "`".join(parts)


def setup(app: Any) -> dict[str, Any]:
    app.add_directive("elp-results", Results)
    # before napoleon reads the sections
    app.connect("autodoc-process-docstring", plain, priority=100)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
