"""One way for a small component onto a page: an ES module and its data, live in JupyterLab, drawn
by `elp.js` in the static page, and a still picture where scripts are off.
"""

from __future__ import annotations

import html
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from elp.book.figures import element_name, emit

IMPORTED = re.compile(r"^import .* from '\./(\w+\.js)';\n", re.MULTILINE)


def component(
    source: Path, state: dict[str, Any], still: str, *, caption: str, alt: str, name: str
) -> None:
    """Display a component that needs no kernel (chapter "Base, Transformed, U").

    Args:
        source: the ES module; its `render({model, el})` finds the data under `model.get("state")`.
        state: JSON-able data.
        still: HTML that stands in the component's place until its module runs, or for ever.
        caption, alt, name: as for `elp.book.figures.show`.

    Raises:
        ElpError: caption or alt is empty.
    """
    text = json.dumps({"state": state}, separators=(",", ":"))
    name = element_name(name, text, caption, alt)
    code, inline = (t.replace("</", "<\\/") for t in (json.dumps(module(source)), text))
    body = (
        f'<div id="fig-{name}" class="elp-component" role="group" aria-label="{html.escape(alt)}">'
        f'<script type="application/json" class="elp-module">{code}</script>'
        f'<script type="application/json" class="elp-state">{inline}</script>{still}</div>'
    )
    view = _widget_class(source)(state=state)._repr_mimebundle_() or {}
    view = view[0] if isinstance(view, tuple) else view
    live = {kind: data for kind, data in view.items() if kind != "text/plain"}
    emit(body, caption=caption, alt=alt, name=name, bundle=live)


@cache
def module(source: Path) -> str:
    """An ES module with what it imports from files beside it: a page that is opened from a disk may
    import none.
    """
    text = source.read_text(encoding="utf-8")
    beside = [source.with_name(name).read_text(encoding="utf-8") for name in IMPORTED.findall(text)]
    own = [re.sub(r"^export ", "", other, flags=re.MULTILINE) for other in beside]
    return "\n".join([*own, IMPORTED.sub("", text)])


@cache
def _widget_class(source: Path) -> type:
    """The anywidget class of a module, made where it is used: anywidget is no dependency of the
    package's core.
    """
    import anywidget
    import traitlets

    class Component(anywidget.AnyWidget):
        _esm = module(source)
        state = traitlets.Dict().tag(sync=True)

    return Component
