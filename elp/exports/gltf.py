"""A motion as an animated mesh, .glb (glTF 2.0), for Blender, three.js and game engines (chapter
"Live").

One node, "head", carries rotation and translation; the mesh below it has one morph target for each
direction of the face model, so that the animated mesh equals `FaceModel.shape` to rounding. Eyes
and mouth are dark, a material of their own, or nobody would see a blink. There is no .bvh beside
it: a head is one joint, whatever reads .bvh reads glTF too, and quaternions need no agreement about
the order of angles.
"""

# T frame, P mesh point, F triangle, K expression coefficient
from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elp.errors import ElpError
from elp.exports.arkit import check, held
from elp.face.model import SKIN, FaceModel
from elp.files import atomic
from elp.motion import Motion

# theirs: x to the subject's left, y up, z out of the face, metres; ours: y down, z into it, cm
AXES = np.array([1, -1, -1], np.float32)
METRES = np.float32(0.01)
FLOAT, INTEGER = 5126, 5125  # kinds of numbers, as OpenGL numbers them
VERTICES, INDICES = 34962, 34963
COLORS = {"skin": [0.8, 0.6, 0.5], "inside": [0.03, 0.03, 0.05]}  # linear RGB
PARTS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}


def write_glb(
    path: str | Path,
    motion: Motion,
    *,
    alpha: NDArray[np.floating] | None = None,
    model: FaceModel | None = None,
) -> None:
    """Write the mesh and its animation, whole or not at all.

    Morph targets are named as the model's directions, at full activation, then `mode_28`,
    `mode_29`, ... at one prior deviation; weights may be below 0 and above 1. Blinks shut the lids
    as a renderer does. Half a megabyte, and 11 kB for each second.

    Args:
        path: file ending in .glb.
        motion: T frames, T at least 1.
        alpha: (Ki,) identity of the face; by default the mean face.
        model: by default the one that ships.

    Raises:
        ElpError: another ending, no frames, other coefficients than the model's, or the file cannot
            be written.
    """
    if Path(path).suffix.lower() != ".glb":
        raise ElpError(f"{path}: the animated mesh is written as .glb: give the file that ending")
    if not len(motion):
        raise ElpError(f"{path}: no frames to write: the motion is empty")
    model = model or FaceModel.default()
    check(motion, model)
    with atomic(path) as partial:
        partial.write_bytes(_glb(motion, alpha, model))


class _Buffer:
    """Arrays behind one another, and glTF's words for where each lies."""

    def __init__(self) -> None:
        self.data, self.views, self.accessors = bytearray(), [], []  # type: ignore[var-annotated]

    def add(self, x: NDArray[Any], kind: str = "VEC3", target: int | None = None) -> int:
        """The number of the accessor of x (n,) or (n, parts)."""
        x = np.ascontiguousarray(x, np.uint32 if target == INDICES else np.float32)
        view: dict[str, Any] = {"buffer": 0, "byteOffset": len(self.data), "byteLength": x.nbytes}
        if target is not None:
            view["target"] = target
        rows = x.reshape(-1, PARTS[kind])
        self.data += x.tobytes()
        self.views.append(view)
        self.accessors.append(
            {
                "bufferView": len(self.views) - 1,
                "componentType": INTEGER if target == INDICES else FLOAT,
                "count": len(rows),
                "type": kind,
                "min": rows.min(0).tolist(),
                "max": rows.max(0).tolist(),
            }
        )
        return len(self.accessors) - 1


def scales(model: FaceModel) -> NDArray[np.float32]:
    """(K,) β at which each morph target has weight 1."""
    scale = model.deviation.astype(np.float32).copy()
    scale[: len(model.names)] = model.full
    return scale


def targets(model: FaceModel) -> list[str]:
    """Names of the morph targets."""
    modes = range(len(model.names), len(model.expression))
    return [*model.names, *(f"mode_{k}" for k in modes)]


def _glb(motion: Motion, alpha: Any, model: FaceModel) -> bytes:
    buffer, scale = _Buffer(), scales(model)
    place = AXES * METRES
    points = {"POSITION": buffer.add(model.shape(alpha) * place, target=VERTICES)}
    morphs = [
        {"POSITION": buffer.add(row * place * size, target=VERTICES)}
        for row, size in zip(model.expression, scale, strict=True)
    ]
    primitives = [
        {
            "attributes": points,
            # the change of axes is a rotation: triangles keep their front sides
            "indices": buffer.add(triangles.ravel(), "SCALAR", INDICES),
            "material": k,
            "targets": morphs,
        }
        for k, triangles in enumerate((model.triangles[:SKIN], model.triangles[SKIN:]))
        if len(triangles)  # another model may be all skin
    ]
    from elp.render.frames import PROVENANCE  # the renderers load when something is written

    animation = _animation(buffer, motion, model, scale)
    document = {
        "asset": {"version": "2.0", "generator": "elp", "copyright": PROVENANCE},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"name": "head", "children": [1]}, {"name": "face", "mesh": 0}],
        "meshes": [
            {
                "name": "face",
                "primitives": primitives,
                "weights": [0.0] * len(scale),
                "extras": {"targetNames": targets(model)},
            }
        ],
        "materials": [_material(name, color) for name, color in COLORS.items()],
        "animations": [animation],
        "accessors": buffer.accessors,
        "bufferViews": buffer.views,
        "buffers": [{"byteLength": len(buffer.data)}],
    }
    return _packed(document, bytes(buffer.data))


def _material(name: str, color: list[float]) -> dict[str, Any]:
    plain = {"baseColorFactor": [*color, 1.0], "metallicFactor": 0.0, "roughnessFactor": 0.8}
    return {"name": name, "doubleSided": True, "pbrMetallicRoughness": plain}


def _animation(
    buffer: _Buffer, motion: Motion, model: FaceModel, scale: NDArray[np.float32]
) -> dict[str, Any]:
    from elp.render.blink import blink_control

    motion = held(motion)
    beta = blink_control(motion.beta, motion.blink, model)
    times = buffer.add(np.arange(len(motion)) / motion.fps, "SCALAR")
    from scipy.spatial.transform import Rotation

    turn = Rotation.from_rotvec(motion.pose[:, :3] * AXES).as_quat()
    turn[1:] *= np.cumprod(_same_side(turn))[:, None]
    tracks = {
        "weights": (1, buffer.add((beta / scale).ravel(), "SCALAR")),
        "rotation": (0, buffer.add(turn, "VEC4")),
        "translation": (0, buffer.add(motion.pose[:, 3:] * AXES * METRES)),
    }
    return {
        "name": "listener",
        "samplers": [{"input": times, "output": track} for _, track in tracks.values()],
        "channels": [
            {"sampler": k, "target": {"node": node, "path": path}}
            for k, (path, (node, _)) in enumerate(tracks.items())
        ],
    }


def _same_side(turn: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T - 1,) -1 where a quaternion is nearer to the negative of the one before: between frames
    players go the shorter way.
    """
    return np.where((turn[1:] * turn[:-1]).sum(1) < 0, -1.0, 1.0)


def _packed(document: dict[str, Any], data: bytes) -> bytes:
    """The JSON and the numbers as one file: a header, then two chunks of whole words."""
    text = json.dumps(document, separators=(",", ":")).encode()
    text, data = text + b" " * (-len(text) % 4), data + b"\0" * (-len(data) % 4)
    size = 12 + 8 + len(text) + 8 + len(data)
    head = struct.pack("<4sII", b"glTF", 2, size)
    return b"".join(
        [
            head,
            struct.pack("<I4s", len(text), b"JSON"),
            text,
            struct.pack("<I4s", len(data), b"BIN\0"),
            data,
        ]
    )
