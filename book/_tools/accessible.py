"""What Sphinx and its extensions write into a page, made usable by keys and by screen readers.

- A table scrolls in a box of its own, which keys can reach.
- The empty corner of a table of numbers says what its column holds.
- An entry of the references is an item of their list: the role that Sphinx gives it is not used
  any longer, and not allowed there.
"""

from __future__ import annotations

import re
from itertools import count
from typing import Any

TABLE = re.compile(r"<table\b.*?</table>", re.S)


def page(body: str) -> str:
    """The body of a page, HTML."""
    number = count(1)

    def boxed(found: re.Match[str]) -> str:
        label = f'role="group" tabindex="0" aria-label="table {next(number)} of this page"'
        table = re.sub(
            r"<th></th>", '<th scope="col"><span class="elp-unseen">row</span></th>', found[0]
        )
        return f'<div class="elp-scroll" {label}>{table}</div>'

    body = TABLE.sub(boxed, body)
    body = body.replace(' role="doc-biblioentry"', ' role="listitem"')
    return body.replace(' role="doc-backlink"', "")


def context(app: Any, name: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """The event `html-page-context` of Sphinx."""
    if "body" in context:
        context["body"] = page(context["body"])


def setup(app: Any) -> dict[str, Any]:
    app.connect("html-page-context", context)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
