"""What the book's pages need of Sphinx.

- `{elp-results}`: a card of each committed result file, from what the files record.
- `{elp-house}`: the picture of the rooms and their imports; `{elp-imports}`: all imports, counted.
- `{elp-rooms}`: what comes into each room and what goes out, from the rooms' docstrings.
- `{elp-modules} room`: the reference of all modules of a room.
- Executions that are kept until something changes that a chapter uses.
- A button on every page that says how to cite, and, where ELP_REPOSITORY names the repository's
  address, buttons that lead there and open the chapter in Binder or Colab.

Docstrings are plain text with formulas: bars and trailing underscores are no markup in them,
backticks are code.
"""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList
from elp.book.house import ELP, House
from elp.book.plan import svg

import executions
from result_cards import cards

WIDGETS = "application/vnd.jupyter.widget-state+json"
RESULTS = Path(__file__).parents[1] / "results"
STAMP = ".made-with"  # beside the pages: what they were made with


def table(head: list[str], rows: list[list[str]], code: tuple[int, ...] = ()) -> nodes.table:
    """A table of plain texts; the columns numbered in `code` hold code."""
    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in head), cols=len(head))
    group += nodes.thead("", line(head))
    group += nodes.tbody("", *(line(row, code) for row in rows))
    return nodes.table("", group)


def line(cells: list[str], code: tuple[int, ...] = ()) -> nodes.row:
    row = nodes.row()
    for i, text in enumerate(cells):
        shown = nodes.literal(text=text) if i in code and text else nodes.Text(text)
        row += nodes.entry("", nodes.paragraph("", "", shown))
    return row


class Results(Directive):
    """A card for each result file, from what the file itself records."""

    def run(self) -> list[nodes.Node]:
        env = self.state.document.settings.env
        for path in sorted(RESULTS.glob("*.json")):
            env.note_dependency(str(path))
        found = nodes.container(classes=["elp-cards"])
        found += [result(name, card) for name, card in cards().items()]
        return [found]


def result(name: str, card: dict[str, Any]) -> nodes.container:
    """The card of one result file; `result-name` is its place on the page."""
    box = nodes.container(classes=["elp-card"], ids=[f"result-{name}"])
    box += nodes.paragraph("", "", nodes.strong(text=f"{name}.json"))
    versions = card.get("versions", {})
    stack = [card.get("python"), versions.get("torch") and f"torch {versions['torch']}"]
    seconds = card.get("seconds")
    values = {
        "Command": card.get("command"),
        "Commit": card.get("commit"),
        "Seed": card.get("seed"),
        "Device": card.get("device"),
        "Python": ", ".join(str(v) for v in stack if v),
        "Date": str(card.get("date", ""))[:10],
        "Seconds": "" if seconds is None else f"{seconds:,.0f}",
        "Again": f"make reproduce NAME={name}" if card.get("command") else "",
    }
    rows = [(key, str(value)) for key, value in values.items() if value not in (None, "")]
    fields = nodes.field_list()
    for key, value in rows or [("Source", "the paper's own tables, typed from it")]:
        code = key in ("Command", "Commit", "Again")
        shown = nodes.literal(text=value) if code else nodes.Text(value)
        body = nodes.field_body("", nodes.paragraph("", "", shown))
        fields += nodes.field("", nodes.field_name(text=key), body)
    box += fields
    return box


class Picture(Directive):
    """The house, drawn when the page is built, with the caption in the directive's content."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        depend(self)
        figure = nodes.figure()
        figure += nodes.raw("", svg(House()), format="html")
        text, _ = self.state.inline_text(" ".join(self.content), self.lineno)
        figure += nodes.caption("", "", *text)
        return [figure]


class Imports(Directive):
    """Who imports how many names from whom, every arrow of the house."""

    def run(self) -> list[nodes.Node]:
        depend(self)
        house = House()
        rooms = [*sorted(house.ground), *(room for floor in house.floors for room in floor)]
        rows = []
        for room in rooms:
            counts = [(other, house.arrows[room, other]) for other in rooms]
            named = ", ".join(f"{other} {n}" for other, n in counts if n)
            rows.append([room, named or "nothing"])
        return [table(["Room", "imports from"], rows, code=(0,))]


class Rooms(Directive):
    """Each room's own words, from the ground up."""

    def run(self) -> list[nodes.Node]:
        depend(self)
        house = House()
        found = nodes.definition_list()
        for room in [*sorted(house.ground), *(room for floor in house.floors for room in floor)]:
            files, lines = house.size(room)
            path = ELP / room / "__init__.py"
            text = (path if path.exists() else ELP / f"{room}.py").read_text(encoding="utf-8")
            words = " ".join((ast.get_docstring(ast.parse(text)) or "").split())
            size = f", {files} file{'s' * (files > 1)}, {lines:,} lines"
            term = nodes.term("", "", nodes.literal(text=room), nodes.Text(size))
            meant = nodes.definition("", nodes.paragraph(text=words.replace("`", "")))
            found += nodes.definition_list_item("", term, meant)
        return [found]


class Modules(Directive):
    """`autodoc` of what each module of a room defines, in the order of their names."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        depend(self)
        names = []
        for path in House().files[self.arguments[0]]:
            parts = path.relative_to(ELP).with_suffix("").parts
            names.append(".".join(("elp", *parts)).removesuffix(".__init__"))
        text = ["```{eval-rst}"]
        for name in names:
            text += [f".. automodule:: {name}", "   :members:", "   :ignore-module-all:", ""]
        text += ["```"]
        node = nodes.container()
        self.state.nested_parse(StringList(text, source="elp-modules"), 0, node)
        return node.children


def depend(directive: Directive) -> None:
    """The page is made again when a file of `elp` has changed."""
    env = directive.state.document.settings.env
    for path in sorted(ELP.rglob("*.py")):
        env.note_dependency(str(path))


def plain(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Escape what reStructuredText would take for markup, outside of backticks."""
    for number, text in enumerate(lines):
        parts = text.split("`")
        parts[::2] = [re.sub(r"(\||(?<=\w)_(?!\w))", r"\\\1", part) for part in parts[::2]]
        lines[number] = "`".join(parts)


def executed(app: Any, config: Any) -> None:
    """Pages from executions that are kept, beside the pages or in the folder of ELP_EXECUTED, where
    tests/executed.py puts them; what is not there, or was made with other sources, is executed.
    """
    if config.nb_execution_mode == "cache":
        kept = os.environ.get("ELP_EXECUTED") or Path(app.outdir).parent / "executed"
        config.nb_execution_cache_path = str(executions.folder(kept))


def outdated(app: Any, env: Any, *_: set[str]) -> set[str]:
    """The event `env-get-outdated`: beside pages whose own text changed, all are made again where
    something changed that pages are made with, since the last build that came to its end.
    """
    stamp = Path(app.outdir) / STAMP
    same = stamp.exists() and stamp.read_text() == executions.fingerprint(executions.MAKES)
    return set() if same else set(env.found_docs)


def finished(app: Any, exception: Exception | None) -> None:
    """The event `build-finished`."""
    if exception is None:
        (Path(app.outdir) / STAMP).write_text(executions.fingerprint(executions.MAKES))


def stateless(app: Any, name: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """The event `html-page-context`: the page does without the state of widgets, which belongs to a
    kernel that is gone; a listener's is three megabytes.
    """
    context["script_files"] = [
        script
        for script in context.get("script_files", [])
        if getattr(script, "attributes", {}).get("type") != WIDGETS
    ]


def addressed(app: Any, config: Any) -> None:
    """Buttons to the repository and to services that run its chapters, if ELP_REPOSITORY says where
    it lies: the book itself cannot know.
    """
    if address := os.environ.get("ELP_REPOSITORY", "").rstrip("/"):
        known = [name for name in ("github", "gitlab", "bitbucket") if name in address]
        config.html_theme_options |= {
            "repository_url": address,
            "repository_provider": known[0] if known else "github",  # how its addresses are made
            "repository_branch": os.environ.get("ELP_BRANCH", "main"),
            "use_repository_button": True,
            "launch_buttons": {
                "binderhub_url": "https://mybinder.org",
                "colab_url": "https://colab.research.google.com",
                "notebook_interface": "jupyterlab",
            },
        }


def cited(app: Any, name: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """The event `html-page-context`: a button that leads to how the book is cited."""
    if "header_buttons" in context:
        place = context["pathto"]("book/intro") + "#cite"
        button = {"type": "link", "url": place, "tooltip": "How to cite this book"}
        context["header_buttons"].append(button | {"icon": "fas fa-quote-right", "label": "cite"})


def setup(app: Any) -> dict[str, Any]:
    app.add_directive("elp-results", Results)
    app.add_directive("elp-house", Picture)
    app.add_directive("elp-imports", Imports)
    app.add_directive("elp-rooms", Rooms)
    app.add_directive("elp-modules", Modules)
    app.connect("config-inited", executed)
    app.connect("config-inited", addressed)
    app.connect("env-get-outdated", outdated)
    app.connect("build-finished", finished)
    app.connect("html-page-context", cited, priority=900)  # once the theme has made its own
    app.connect("html-page-context", stateless, priority=900)  # once myst-nb has added it
    # before napoleon reads the sections
    app.connect("autodoc-process-docstring", plain, priority=100)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
