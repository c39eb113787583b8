"""The portrait renderer measured on re-tracked pixels: does it do what was asked for? (chapter "The
renderer").

    python -m experiments.renderer FOLDER [--only NAME]

A clip is re-made from its own first frame and its own motion. No picture is kept: numbers only.
How portraits answer is measured by `experiments/portraits.py`.
"""

# T frame
from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from elp.face.landmarks import OVAL, POINTS
from elp.media.track import landmarks
from elp.motion import POSE
from elp.records import commit, run_card, write_json
from elp.render import Portrait, WarpRenderer
from experiments.clips import SIDE, Take, resized, take

Image = NDArray[np.uint8]
Floats = NDArray[Any]
STEP = 6  # frames of a clip between two that are compared: a clip's neighbours say the same
WINK = 0.25  # difference of the lids' shares that a viewer takes for a wink
SETTLED = 15  # frames until the motion has come in
REST = 36  # frames of a portrait that is asked for nothing


def tracked(pictures: Sequence[Image], still: bool = False) -> Floats:
    """(T, 478, 3) points in pixels of SIDE of pictures of any size."""
    return landmarks([resized(x, 2 * SIDE) for x in pictures], still=still) / 2


def widening(points: Floats) -> Floats:
    """(T,) width of the mouth over the distance of the eyes."""
    wide = np.linalg.norm(points[:, 61, :2] - points[:, 291, :2], axis=-1)
    return wide / np.linalg.norm(points[:, 33, :2] - points[:, 263, :2], axis=-1)


def likeness(one: Sequence[Image], other: Sequence[Image]) -> float:
    """Mean structural similarity."""
    from skimage.metrics import structural_similarity

    return float(
        np.mean(
            [structural_similarity(a, b, channel_axis=2) for a, b in zip(one, other, strict=True)]
        )
    )


def face_l1(made: Sequence[Image], clip: Take) -> float:
    """Mean difference from the true pictures within the face, of 1."""
    import cv2

    total = []
    for drawn, true, points in zip(made, clip.pictures[1:], clip.points[1:], strict=True):
        face = np.zeros(true.shape[:2], np.uint8)
        cv2.fillPoly(face, [np.round(points[list(OVAL), :2]).astype(np.int32)], 1)
        total.append(np.abs(drawn[face > 0].astype(float) - true[face > 0]).mean() / 255)
    return float(np.mean(total))


def reenactment(clip: Take, *, limits: bool = True, shade: bool = True) -> dict[str, Any]:
    """Distances of the points to the true ones in pixels of SIDE, likeness, and how much of the
    true smile's widening arrives.
    """
    renderer = WarpRenderer(clip.portrait, SIDE, limits=limits, shade=shade)
    made = [renderer.frame(b, p) for b, p in zip(clip.beta, clip.pose, strict=True)]
    truth, again = clip.points[1:, :POINTS], tracked(made)[1:, :POINTS, :2]
    away = np.linalg.norm(again - truth, axis=-1)
    still = np.linalg.norm(clip.points[:1, :POINTS] - truth, axis=-1)
    wide, shown = widening(clip.points)[1:], widening(again)
    widest, first = np.argsort(wide)[-3:], widening(clip.points[:1])[0]
    return {
        "frames": len(truth),
        "lost": round(float(np.isnan(away[:, 0]).mean()), 3),
        "keypoints": round(float(np.nanmean(away)), 3),
        "still_keypoints": round(float(still.mean()), 3),
        "ratio": round(float(np.nanmean(away) / still.mean()), 3),
        "ssim": round(likeness(made[1:], clip.pictures[1:]), 4),
        "face_l1": round(face_l1(made[1:], clip), 4),
        "still_ssim": round(likeness([clip.pictures[0]] * len(truth), clip.pictures[1:]), 4),
        "smile_of_true": round(
            float((np.nanmean(shown[widest]) - first) / (wide[widest].mean() - first)), 3
        ),
        "true_widening": round(float(wide[widest].mean() / first - 1), 3),
    }


def sharpness(portrait: Portrait, size: int) -> float:
    """Energy of the Laplacian of the face in a slightly turned frame, over that of the photo."""
    import cv2

    renderer, pose = WarpRenderer(portrait, size), np.zeros(POSE)
    pose[:3] = np.deg2rad([3.0, 4.0, 2.0])
    still = np.zeros(len(portrait.beta))
    energy = []
    for frame, points in (
        (renderer.frame(still, np.zeros(POSE)), renderer.rig.rest),
        (renderer.frame(still, pose), renderer.vertices(still, pose)[0]),
    ):
        mask = np.zeros((size, size), np.uint8)
        cv2.fillPoly(mask, [np.round(points[list(OVAL)] / 2).astype(np.int32)], 1)
        edges = cv2.Laplacian(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), cv2.CV_32F)
        energy.append(float((edges[mask > 0] ** 2).mean()))
    return round(float(np.sqrt(energy[1] / energy[0])), 3)


def main(
    clips: Annotated[Path, typer.Argument(help="Folder of videos of one person.")],
    only: Annotated[str, typer.Option(help="One clip; the file's other rows stay.")] = "*",
    output: Annotated[Path, typer.Option("-o")] = Path("book/results/renderer.json"),
) -> None:
    """Fill the result file."""
    commit()  # of the code that runs now, however long it takes
    found = of_clips(clips, only)
    if only != "*" and output.exists():
        found["rows"] = json.loads(output.read_text())["clips"]["rows"] | found["rows"]
    write_json(output, {"clips": found})


def of_clips(folder: Path, only: str) -> dict[str, Any]:
    """Clips of a folder made again: as ever, without limits, and without new light."""
    started, rows = time.time(), {}
    for path in sorted(folder.glob(f"{only}.mp4")):
        clip = take(path, STEP, smooth=0.0)
        rows[path.stem] = {
            "limits": reenactment(clip),
            "no limits": reenactment(clip, limits=False),
            "no shade": reenactment(clip, shade=False),
            "sharpness": {str(size): sharpness(clip.portrait, size) for size in (256, 512)},
        }
        print(path.stem, rows[path.stem], flush=True)
    return run_card(seed=None, started=started) | {"size": SIDE, "rows": rows}


if __name__ == "__main__":
    typer.run(main)
