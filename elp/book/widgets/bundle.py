"""The widget's JavaScript as one module: the files of `js/`, joined."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "js"
ENGINE = ("random", "wasm", "layers", "engine")
WATCHER = (
    *("unzipped", "wasm", "layers", "picture", "sight", "litert", "tracker"),
    *("matrices", "energy", "calibration", "smoothness", "fit", "pictures", "watcher"),
)
TALK = (
    *("sound", "prosody", "hearing", "moments", "ear", "microphone", "kernel"),
    *("matrices", "portrait", "shaders", "passes"),
    *("style", "raster", "features", "face", "panels", "wardrobe", "talk"),
)
VIEW = ("style", "clock", "raster", "features", "face", "panels", "view")
IMPORTS = re.compile(r"^import .*;\n", re.MULTILINE)


@cache
def module() -> str:
    """An ES module that anywidget and `elp.js` run.

    In one file, as a page that is opened from a disk may not import others; the worker's own source
    is a text in it, for the same reason.
    """
    worker = joined((*ENGINE, "worker"), exported=False)
    whole = joined((*ENGINE, *VIEW), exported=True)
    return f"const WORKER = {json.dumps(worker, ensure_ascii=False)};\n{whole}"


@cache
def tracking() -> str:
    """An ES module that follows a face before a camera, in a worker; see `widgets.tracking`."""
    watcher = joined(WATCHER, exported=False)
    camera = joined(("pictures", "camera"), exported=True)
    return f"const WATCHER = {json.dumps(watcher, ensure_ascii=False)};\n{camera}"


@cache
def talking() -> str:
    """An ES module of a listener to talk to."""
    return joined((*ENGINE, *TALK), exported=True)


def joined(names: tuple[str, ...], *, exported: bool) -> str:
    texts = [(FOLDER / f"{name}.js").read_text(encoding="utf-8") for name in names]
    joined = IMPORTS.sub("", "\n".join(texts))
    return joined if exported else re.sub(r"^export ", "", joined, flags=re.MULTILINE)
