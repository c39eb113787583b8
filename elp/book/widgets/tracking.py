"""What lets a page see its reader's face: networks and LiteRT in one script, and the face model's
landmarks (chapter "Live").
"""

# P mesh point, K expression coefficient, Ki identity coefficient

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from elp.book.widgets.bundle import tracking
from elp.book.widgets.packing import Levels, Packed, pack, quoted
from elp.extraction.energy import landmark_normals, landmark_weights
from elp.face.model import FaceModel
from elp.media import weights

MODELS = ("near", "far", "landmarks")
NOTICE = "LiteRT and the networks that find faces: Apache License 2.0, Copyright Google LLC"

STEPS = 120  # of a deviation of the modes: 2 µm each


def face(model: FaceModel | None = None) -> Packed:
    """What `createFit` of `fit.js` takes, once unpacked: the model at the landmarks.

    Modes are (P, 3, K) and (P, 3, Ki), row by row.
    """
    model = model or FaceModel.default()
    rows = np.asarray(model.landmarks)
    modes = {"expression": model.expression, "identity": model.identity}
    return pack(
        {
            "mean": model.mean[rows],
            "deviation": model.deviation,
            "normals": landmark_normals(FaceModel.default()).numpy(),
            "weight": landmark_weights(FaceModel.default()).numpy(),
            **{
                name: Levels(np.moveaxis(values[:, rows], 0, -1), STEPS)
                for name, values in modes.items()
            },
        }
    )


def script(runtime: Mapping[str, bytes]) -> str:
    """A script that sets `elpTracker`: `module`, and what `createCamera` of `camera.js` takes.

    A page opened from a disk can load scripts, nothing else.

    Args:
        runtime: LiteRT's files, of `elp.book.widgets.runtime`.
    """
    facts, files = camera(runtime)
    rows = [f"{name}: {quoted(small)}" for name, small in zip(facts["names"], files, strict=True)]
    return (
        f"// {NOTICE}\nglobalThis.elpTracker = {{\nmodule: {json.dumps(facts['module'])},\n"
        f"layout: {json.dumps(facts['layout'])},\nfiles: {{\n" + ",\n".join(rows) + "\n}};\n"
    )


def camera(runtime: Mapping[str, bytes]) -> tuple[dict[str, Any], list[bytes]]:
    """The same for a notebook: facts, and the files that their `names` name, gzipped.

    Raises:
        ElpError: the networks are not on this machine and cannot be brought.
    """
    model = face()
    files = dict(runtime) | {"face": model.data}
    files |= {name: known_batch(weights.find(name).read_bytes()) for name in MODELS}
    facts = {"module": tracking(), "layout": model.layout, "names": list(files)}
    return facts, [gzip.compress(data, 9, mtime=0) for data in files.values()]


def known_batch(model: bytes) -> bytes:
    """A tflite file whose batches hold one picture: the browser's LiteRT refuses an unknown number.

    Shapes are vectors of int32 after their length; an unknown first size, -1, becomes 1.
    """
    data = bytearray(model)
    for length in (2, 3, 4):
        start = struct.pack("<ii", length, -1)
        at = data.find(start)
        while at >= 0:
            sizes = struct.unpack_from(f"<{length}i", data, at + 4)[1:]
            if all(0 < size < 5000 for size in sizes):
                struct.pack_into("<i", data, at + 4, 1)
            at = data.find(start, at + 4)
    return bytes(data)
