"""The files that lie beside the pages and bring them the listener: module, model and face; and, to
talk to it, its ears and a portrait.
"""

from __future__ import annotations

import base64
import gzip
import json

from elp.book.widgets import live
from elp.book.widgets.bundle import module, talking
from elp.book.widgets.listener import engine
from elp.book.widgets.packing import quoted

SHOWN, PHOTO, PICTURE = 8, 384, 256  # whom `Studio` draws as the listener, how large


def script() -> str:
    """A script that sets `elpListener`: a page opened from a disk can load scripts, nothing
    else.
    """
    facts = engine()
    program = json.dumps({"module": module(), "engine": facts["engine"]})
    small = gzip.compress(program.encode(), 9, mtime=0)
    return _script("elpListener", {"program": quoted(small), "weights": quoted(facts["weights"])})


def talk_script() -> str:
    """A script that sets `elpTalk`: what a page needs beside `script` to be talked to."""
    state = live.state(live.speakers())
    data = state.pop("hearing")
    clips = [
        {k: base64.b64encode(v).decode() if isinstance(v, bytes) else v for k, v in clip.items()}
        for clip in state["clips"]
    ]
    parts = {
        "module": json.dumps(talking()),
        "state": json.dumps(state | {"clips": clips}, separators=(",", ":")),
        "hearing": quoted(data),
    }
    return _script("elpTalk", parts)


def portrait_script() -> str:
    """A script that sets `elpPortrait`: a face for the listener, drawn, so that no person is shown.

    Its `data` are a gzipped file of `elp.render.page`.
    """
    from elp.render import Portrait, WarpRenderer
    from elp.render.mesh2video.studio import Studio
    from elp.render.page import packed

    shown = Portrait.load(Studio(SHOWN).portrait(PHOTO))
    data = gzip.compress(packed(WarpRenderer(shown, PICTURE)), 9, mtime=0)
    return _script("elpPortrait", {"data": quoted(data)})


def _script(name: str, parts: dict[str, str]) -> str:
    inside = ",\n".join(f"{key}: {value}" for key, value in parts.items())
    return f"globalThis.{name} = {{\n{inside}\n}};\n"
