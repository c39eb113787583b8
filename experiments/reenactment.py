"""The renderers on real clips: each re-enacts a clip from its first frame (chapter "The renderer").

    python experiments/reenactment.py FOLDER --network slim-flow=FILE --out sheets -o RESULT.json

The clip's own motion drives its own first frame, so that every frame has a truth. Landmarks are
found in what was drawn by the tracker of `elp extract`, which none of the renderers knows.
"""

# T frame, S side of a picture in pixels
from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from elp.face.landmarks import POINTS
from elp.media.track import landmarks
from elp.records import run_card, write_json
from elp.render import Renderer, WarpRenderer
from elp.render.mesh2video import checkpoint
from elp.render.mesh2video.landmarks import EYES, LIPS
from elp.render.mesh2video.renderer import NetworkRenderer
from experiments.clips import SIDE, Take, take
from experiments.mesh2video import sharpness, ssim

STEP, LONGEST = 3, 48  # of the frames that are fitted: every third, so many
EVERY = 3  # of those, what is drawn and measured
Array = NDArray[Any]


def measure(drawn: Array, truth: Array, points: Array) -> dict[str, float]:
    """Means over frames (T, S, S, 3) uint8; distances in pixels of 256 from points (T, 478, 2)."""
    x, y = (torch.tensor(v).permute(0, 3, 1, 2).float() / 255 for v in (drawn, truth))
    double = [cv2.resize(p, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC) for p in drawn]
    found = landmarks(double, still=True)[..., :2] / 2
    off = np.linalg.norm(found - points, axis=-1)
    faces = [_hull(p, truth.shape[1:3]) for p in points]
    face = torch.tensor(np.stack(faces))[:, None].float()
    e = (x - y).abs()
    values = {
        "l1": e.mean(),
        "face_l1": (e * face).sum() / (3 * face.sum()),
        "psnr": (-10 * torch.log10((e**2).mean((1, 2, 3)))).mean(),
        "ssim": ssim(x, y).mean(),
        "sharpness": (sharpness(x) / sharpness(y)).mean(),
        "landmarks": np.nanmean(off[:, :POINTS]),
        "lips": np.nanmean(off[:, list(LIPS)]),
        "eyes": np.nanmean(off[:, list(EYES)]),
        "lost": np.isnan(off[:, 0]).mean(),
    }
    return {name: round(float(v), 4) for name, v in values.items()}


def _hull(points: Array, shape: tuple[int, ...]) -> Array:
    mask = np.zeros(shape, np.uint8)
    hull = cv2.convexHull(points[:POINTS].astype(np.float32)).round().astype(np.int32)
    return cv2.fillConvexPoly(mask, hull, 1)


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="of clips, with one face each")
    parser.add_argument("--network", nargs="*", default=[], help="NAME=FILE")
    parser.add_argument("--out", type=Path, required=True, help="folder for the sheets")
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    started, rows = time.time(), {}
    nets = {name: checkpoint.load(file)[0] for name, file in (n.split("=") for n in args.network)}
    for path in sorted(args.folder.glob("*.mp4")):
        shot = take(path, STEP, LONGEST)
        renderers: dict[str, Any] = {"warp": WarpRenderer(shot.portrait, SIDE)}
        for name, net in nets.items():
            renderers[name] = NetworkRenderer(shot.portrait, SIDE, net)
        rows[path.stem] = _clip(shot, renderers, args.out / f"{path.stem}.png")
        for name, row in rows[path.stem].items():
            print(f"{path.stem[:12]:12s} {name:10s} {row}", flush=True)
    write_json(args.output, {"clips": rows, "card": run_card(seed=None, started=started)})


def _clip(shot: Take, renderers: dict[str, Renderer], sheet: Path) -> dict[str, Any]:
    """Measures of every renderer on one clip, and of the still portrait; writes a sheet."""
    chosen = range(EVERY, len(shot.pictures), EVERY)
    seen = [k for k in chosen if np.isfinite(shot.points[k]).all()]
    truth, points = shot.pictures[seen], shot.points[seen]
    drawn = {"still": np.repeat(shot.pictures[:1], len(seen), 0)}
    for name, renderer in renderers.items():
        drawn[name] = np.stack([renderer.frame(shot.beta[k], shot.pose[k]) for k in seen])
    far = np.linalg.norm(points - shot.points[0], axis=-1).mean(1)
    some = sorted(np.argsort(far)[[len(seen) // 4, len(seen) // 2, -3, -1]])
    lines = [truth, *(v for k, v in drawn.items() if k != "still")]
    picture = np.hstack([np.vstack([line[k] for line in lines]) for k in some])
    cv2.imwrite(str(sheet), picture[..., ::-1])
    return {name: measure(v, truth, points) for name, v in drawn.items()}


if __name__ == "__main__":
    main()
