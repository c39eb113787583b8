"""What a chapter writes so that every reader of its notebook understands it, and what Sphinx needs
instead.

JupyterLab, VS Code, Colab and GitHub know Markdown and formulas, but neither the roles nor the
labels of Sphinx. So chapters write

- a citation as a link into the list of references, `([Yngve, 1970](references.bib#yngve1970turn))`,
  or `[Yngve (1970)](references.bib#yngve1970turn)` as part of a sentence;
- the number of an equation as a tag in it, `$$ ... \\tag{P1}$$`, and refers to it as `Eq. P1`;
  P1 to P7 are the paper's numbers, 3.1 the first of ours in chapter 3;
- a term of the glossary as a link to it: `[gain](glossary.md#gain)`.

Before Sphinx reads a page, these become its own citations, labels and references, so that a page
has its tooltips and links: a term says what it means, an equation's number shows the equation.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from docutils import nodes

WORDS = r"\[[^\[\]\n\"]+"  # within one line
LINK = WORDS + r"\]\(references\.bib#(\w+)\)"
PARENTHESISED = re.compile(rf"\({LINK}(?:; {LINK})*\)")
IN_SENTENCE = re.compile(WORDS + r" \(\d{4}\)\]\(references\.bib#(\w+)\)")
ALONE = re.compile(LINK)
TAG = re.compile(r"[ ]*\\+tag\{([P\d][.\d]*)\}\$\$")
NUMBER = re.compile(r"\b(Eqs?\.) (P\d|\d+\.\d+)\b")
RANGE = re.compile(r"(\{eq\}`eq-P\d`) to (P\d)\b")
TERM = re.compile(r"\[([^\[\]\n\"]+)\]\(glossary\.md#([\w-]+)\)")


def sphinx(text: str) -> str:
    """A page as Sphinx understands it; of a notebook only the prose changes.

    Args:
        text: of the page: Markdown, or a notebook's JSON.
    """
    if not text.startswith("{"):
        return markdown(text)
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = markdown("".join(cell["source"]))
    return json.dumps(notebook)


def markdown(text: str) -> str:
    """Markdown as Sphinx understands it."""
    text = PARENTHESISED.sub(_cited, text)
    text = IN_SENTENCE.sub(r"{cite:t}`\1`", text)
    text = ALONE.sub(r"{cite}`\1`", text)
    text = TAG.sub(r"$$ (eq-\1)", text)
    text = NUMBER.sub(r"\1 {eq}`eq-\2`", text)
    text = RANGE.sub(r"\1 to {eq}`eq-\2`", text)
    return TERM.sub(_term, text)


def _cited(found: re.Match[str]) -> str:
    return "{cite}`" + ",".join(ALONE.findall(found[0])) + "`"


def _term(found: re.Match[str]) -> str:
    name = found[2].replace("-", " ")
    return f"{{term}}`{found[1]}<{name}>`"


def read(app: Any, name: str, content: list[str]) -> None:
    """The event `source-read` of Sphinx."""
    if name.startswith("book/"):
        content[0] = sphinx(content[0])


def number(app: Any, document: nodes.document) -> None:
    """The event `doctree-read`: an equation has the number that its tag says."""
    equations = app.env.get_domain("math").equations
    for node in document.findall(nodes.math_block):
        label = node.get("label") or ""
        if label.startswith("eq-") and label in equations:
            node["number"] = label.removeprefix("eq-")
            equations[label] = (app.env.docname, node["number"])
            known = getattr(app.env, "elp_formulas", {})
            app.env.elp_formulas = known | {node["number"].lower(): node.astext().strip()}


def tooltips(app: Any, document: nodes.document, name: str) -> None:
    """The event `doctree-resolved`: a link to a term says what the term means, one to an equation
    its formula, which `book/_static/elp.js` draws.
    """
    meant = glossary()
    formulas = {
        number.replace(".", "-"): text
        for number, text in getattr(app.env, "elp_formulas", {}).items()
    }
    for link in document.findall(nodes.reference):
        _, found, place = (link.get("refuri") or link.get("refid") or "").rpartition("term-")
        if found and place in meant:
            link["reftitle"] = meant[place]
        _, found, place = (link.get("refuri") or link.get("refid") or "").rpartition("equation-eq-")
        if found and place in formulas:
            link["reftitle"] = formulas[place]


def glossary() -> dict[str, str]:
    """Place of each term on its page -> what the glossary says, as plain text."""
    page = (Path(__file__).parents[1] / "glossary.md").read_text(encoding="utf-8")
    found = re.findall(r"^(\S.*)\n  (\S.*)$", page, re.M)
    plain = re.compile(r" ?\(\{doc\}`[^`]*`\)|[`*]")
    return {nodes.make_id(term): plain.sub("", text) for term, text in found}


def setup(app: Any) -> dict[str, Any]:
    app.connect("source-read", read)
    app.connect("doctree-read", number)
    app.connect("doctree-resolved", tooltips)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
