"""The file that lies beside the pages and brings them the listener: module, model and face."""

from __future__ import annotations

import json

import numpy as np

from elp.book.widgets.bundle import module
from elp.book.widgets.listener import engine

# what a JavaScript string in single quotes must not hold as it is
ESCAPED = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r"})


def script() -> str:
    """A script that sets `elpListener`: a page opened from a disk can load scripts, nothing
    else.
    """
    facts = engine()
    parts = {
        "module": json.dumps(module()),
        "engine": json.dumps(facts["engine"], separators=(",", ":")),
        "size": str(len(facts["weights"])),
        "weights": f"'{sevens(facts['weights']).translate(ESCAPED)}'",
    }
    inside = ",\n".join(f"{key}: {value}" for key, value in parts.items())
    return f"globalThis.elpListener = {{\n{inside}\n}};\n"


def sevens(data: bytes) -> str:
    """Bytes as characters of seven bits each, an eighth longer; base64 would be a third longer."""
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    rows = np.pad(bits, (0, -len(bits) % 7)).reshape(-1, 7)
    return np.packbits(np.pad(rows, ((0, 0), (1, 0))), axis=1).tobytes().decode("ascii")
