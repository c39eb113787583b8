"""How far can exported blendshapes be trusted? Shapes read from β against those that another
network, of Face Landmarker v2, reads from the same pictures (chapter "Live").

    python experiments/arkit.py VIDEO... --network face_blendshapes.tflite \
        --ict ict_facekit_face_f16.npz -o book/results/arkit.json

The network lies in the archive that `elp.media.weights.TASK` names. With --ict a second way is
measured: bounded least squares of β on ICT-FaceKit's shapes.
"""

# T frame, D coefficient, S shape
from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from elp.exports.arkit import SHAPES, blendshapes, direction
from elp.extraction.pipeline import extract
from elp.extraction.tracking import track
from elp.face.ict import from_ict
from elp.face.model import FaceModel
from elp.files import temporary
from elp.records import run_card, write_json

Array = NDArray[Any]
MOVES = 0.05  # standard deviation of the network's shape in a clip, from which it counts
RIDGE = 0.3  # of the least squares
# the network's outputs, and the landmarks that it takes
NAMES = """
_neutral browDownLeft browDownRight browInnerUp browOuterUpLeft browOuterUpRight cheekPuff
cheekSquintLeft cheekSquintRight eyeBlinkLeft eyeBlinkRight eyeLookDownLeft eyeLookDownRight
eyeLookInLeft eyeLookInRight eyeLookOutLeft eyeLookOutRight eyeLookUpLeft eyeLookUpRight
eyeSquintLeft eyeSquintRight eyeWideLeft eyeWideRight jawForward jawLeft jawOpen jawRight
mouthClose mouthDimpleLeft mouthDimpleRight mouthFrownLeft mouthFrownRight mouthFunnel mouthLeft
mouthLowerDownLeft mouthLowerDownRight mouthPressLeft mouthPressRight mouthPucker mouthRight
mouthRollLower mouthRollUpper mouthShrugLower mouthShrugUpper mouthSmileLeft mouthSmileRight
mouthStretchLeft mouthStretchRight mouthUpperUpLeft mouthUpperUpRight noseSneerLeft
noseSneerRight""".split()
TAKEN = [
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66,
    67, 70, 78, 80, 81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144,
    145, 146, 148, 149, 150, 152, 153, 154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173,
    176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251, 263, 267, 269, 270, 276, 282, 283, 284,
    285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317, 318, 321, 323, 324, 332,
    334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382, 384, 385, 386,
    387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, *range(468, 478),
]  # fmt: skip


def read_by_network(video: Path, network: Path) -> Array:
    """(T, 52) blendshapes of a video by the network, NaN without a face."""
    from ai_edge_litert.interpreter import Interpreter

    net = Interpreter(model_content=network.read_bytes(), num_threads=1)
    net.allocate_tensors()
    entry, exit_ = net.get_input_details()[0]["index"], net.get_output_details()[0]["index"]
    with temporary() as store:
        tracked = track(video, "largest", store)
        points = tracked[: len(tracked)]
    out = np.full((len(points), len(NAMES)), np.nan, np.float32)
    for row, seen in zip(out, points, strict=True):
        if np.isfinite(seen).all():
            net.set_tensor(entry, np.ascontiguousarray(seen[None, TAKEN, :2]))
            net.invoke()
            row[:] = net.get_tensor(exit_).ravel()
    return out


def by_least_squares(beta: Array, path: Path) -> dict[str, Array]:
    """Each of ICT-FaceKit's shapes, (T,), from β: least squares with weights of at least 0."""
    from scipy.optimize import nnls

    ours, ict = FaceModel.default(), from_ict(path)
    size = np.ptp(ours.mean[:, 0]) / np.ptp(ict.mean[ict.landmarks][:, 0])
    shapes = (ict.expression[:, ict.landmarks] * size).reshape(len(ict.names), -1)
    seen = [k for k, name in enumerate(ict.names) if not name.startswith("eyeLook")]
    rows = (shapes[seen] @ ours.expression.reshape(len(ours.expression), -1).T).astype(float)
    left = np.concatenate([rows.T, RIDGE * np.eye(len(seen))])
    right = np.concatenate([beta, np.zeros((len(beta), len(seen)))], 1)
    found = np.stack([nnls(left, x)[0] for x in right])
    names = [ict.names[k].replace("_L", "Left").replace("_R", "Right") for k in seen]
    return dict(zip(names, found.T, strict=True))


def agreement(ours: list[Array], theirs: list[Array]) -> dict[str, Any]:
    """Correlation within each clip in which the network sees the shape move, and their mean."""
    found: list[float | None] = []
    for a, b in zip(ours, theirs, strict=True):
        seen = np.isfinite(b)
        moves = b[seen].std() > MOVES
        still = a[seen].std() < 1e-6
        r = 0.0 if still else float(np.corrcoef(a[seen], b[seen])[0, 1])
        found.append(round(r, 3) if moves else None)
    known = [r for r in found if r is not None]
    return {"clips": found, "mean": round(float(np.mean(known)), 3) if known else None}


def main(
    videos: list[Path],
    network: Annotated[Path, typer.Option(help="face_blendshapes.tflite")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The result file (.json).")],
    ict: Annotated[Path | None, typer.Option(help="ICT-FaceKit, see `elp.face.ict`.")] = None,
) -> None:
    """Measure, and write what was found."""
    started = time.time()
    motions = [extract(video).motion for video in videos]
    theirs = [read_by_network(video, network) for video in videos]
    ours = [blendshapes(motion) for motion in motions]
    solved = [by_least_squares(m.beta, ict) for m in motions] if ict is not None else []
    shapes: dict[str, Any] = {}
    for column, shape in enumerate(SHAPES):
        name = shape[0].lower() + shape[1:]
        if direction(shape) is None or name not in NAMES:
            continue
        truth = [x[:, NAMES.index(name)] for x in theirs]
        shapes[shape] = agreement([x[:, column] for x in ours], truth)
        parts = [n for n in (name, f"{name}Left", f"{name}Right") if solved and n in solved[0]]
        if parts:
            mixed = [np.mean([x[n] for n in parts], 0) for x in solved]
            shapes[shape]["least_squares"] = agreement(mixed, truth)["mean"]
    card = run_card(seed=None, started=started)
    clips = {video.name: len(motion) for video, motion in zip(videos, motions, strict=True)}
    write_json(output, {**card, "frames": clips, "moves": MOVES, "shapes": shapes})


if __name__ == "__main__":
    typer.run(main)
