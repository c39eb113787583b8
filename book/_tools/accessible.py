"""What Sphinx and its extensions write into a page, made usable by keys and by screen readers.

- A table scrolls in a box of its own, which keys can reach.
- On a phone the rows of a table with four columns or more stand below one another, each value
  beside the heading of its column (`theme.css`).
- A long name in a table may break after its dots, strokes and underscores, not within a word.
- The empty corner of a table of numbers says what its column holds.
- An entry of the references is an item of their list: the role that Sphinx gives it is not used
  any longer, and not allowed there.
"""

from __future__ import annotations

import re
from itertools import count
from typing import Any

from bs4 import BeautifulSoup

TABLE = re.compile(r"<table\b.*?</table>", re.S)
WIDE = 4  # columns
PARTS = re.compile(r"(?<=[./_])(?=\w)")  # of a name in code


def page(body: str) -> str:
    """The body of a page, HTML."""
    number = count(1)

    def boxed(found: re.Match[str]) -> str:
        label = f'role="group" tabindex="0" aria-label="table {next(number)} of this page"'
        return f'<div class="elp-scroll" {label}>{usable(found[0])}</div>'

    body = TABLE.sub(boxed, body)
    body = body.replace(' role="doc-biblioentry"', ' role="listitem"')
    return body.replace(' role="doc-backlink"', "")


def usable(table: str) -> str:
    """The table with one row of headings, none of them empty; if it is wide, its cells know their
    column, and roles say what they are when it is laid out otherwise.
    """
    soup = BeautifulSoup(table, "html.parser")
    found = soup.table
    assert found is not None
    for text in [t for code in found.select("code") for t in code.find_all(string=True)]:
        first, *rest = PARTS.split(str(text))
        text.replace_with(first, *(x for part in rest for x in (soup.new_tag("wbr"), part)))
    rows = found.select("thead tr")
    if len(rows) == 2 and not any(cell.get_text() for cell in rows[1].find_all("th")[1:]):
        first, second = (row.find_all("th")[0] for row in rows)
        first.replace_with(second.extract())  # pandas: the index's name has a row of its own
        rows.pop().decompose()
    for cell in found.select("th:empty"):
        cell["scope"] = "col"
        cell.append(soup.new_tag("span", attrs={"class": "elp-unseen"}, string="row"))
    titles = [" ".join(cell.get_text(" ").split()) for cell in found.select("thead th")]
    if len(rows) != 1 or len(titles) < WIDE or found.select("[colspan], [rowspan]"):
        return str(soup)
    kept = [name for name in found.get_attribute_list("class") if name]
    found["class"] = " ".join([*kept, "elp-stack"])
    found["role"] = "table"
    for group in found.select("thead, tbody"):
        group["role"] = "rowgroup"
    for row in found.select("tr"):
        row["role"] = "row"
    for cell in found.select("thead th"):
        cell["role"] = "columnheader"
    for row in found.select("tbody tr"):
        for cell, title in zip(row.find_all(["th", "td"], recursive=False), titles, strict=False):
            cell["role"] = "rowheader" if cell.name == "th" else "cell"
            cell["data-title"] = title
            inside = soup.new_tag("div")
            inside.extend(list(cell.contents))
            cell.append(inside)
    return str(soup)


def context(app: Any, name: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """The event `html-page-context` of Sphinx."""
    if "body" in context:
        context["body"] = page(context["body"])


def setup(app: Any) -> dict[str, Any]:
    app.connect("html-page-context", context)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
