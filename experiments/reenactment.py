"""The renderers on real clips: each re-enacts a clip from its first frame (chapter "The renderer").

    python experiments/reenactment.py FOLDER --network slim-flow=FILE --out sheets -o RESULT.json

`--only` takes one clip, `--drawn` simulated people in place of clips, whom no network has seen:
each acts its own first state on. What the result file says of others stays.

The clip's own motion drives its own first frame, so that every frame has a truth. Landmarks are
found in what was drawn by the tracker of `elp extract`, which none of the renderers knows.
"""

# T frame, S side of a picture in pixels
from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from elp.face.landmarks import POINTS
from elp.media.track import landmarks
from elp.records import commit, run_card, write_json
from elp.render import Renderer, WarpRenderer
from elp.render.mesh2video import checkpoint
from elp.render.mesh2video.landmarks import EYES, LIPS
from elp.render.mesh2video.renderer import NetworkRenderer
from elp.render.mesh2video.studio import Studio
from experiments.clips import SIDE, Take, fitted, take
from experiments.mesh2video import sharpness, ssim

FIRST, STATES = 5000, 4  # seed of the first simulated person, and the states that each is drawn in
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
    parser.add_argument("--only", default="*", help="one clip, by its name")
    parser.add_argument("--drawn", type=int, default=0, help="simulated people instead of clips")
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    commit()  # of the code that runs now, however long it takes
    started, rows = time.time(), {}
    nets = {name: checkpoint.load(file)[0] for name, file in (n.split("=") for n in args.network)}
    shots: Iterable[tuple[str, Take]] = (
        (path.stem, take(path, STEP, LONGEST))
        for path in sorted(args.folder.glob(f"{args.only}.mp4"))
    )
    if args.drawn:
        shots = ((f"drawn{k}", drawn(FIRST + k)) for k in range(args.drawn))
    for clip, shot in shots:
        renderers: dict[str, Any] = {"warp": WarpRenderer(shot.portrait, SIDE)}
        for name, net in nets.items():
            renderers[name] = NetworkRenderer(shot.portrait, SIDE, net)
        every = 1 if args.drawn else EVERY
        rows[clip] = _clip(shot, renderers, args.out / f"{clip}.png", every)
        for name, row in rows[clip].items():
            print(f"{clip[:12]:12s} {name:10s} {row}", flush=True)
    merged(args.output, "drawn" if args.drawn else "clips", rows, run_card(seed=0, started=started))


def drawn(seed: int) -> Take:
    """A simulated person in several states, fitted as a clip is."""
    film = Studio(seed).film(1, STATES, 2 * SIDE).tensors["photo"][0]
    return fitted([np.ascontiguousarray(x) for x in film.permute(0, 2, 3, 1).numpy()], 0.0)


def merged(output: Path, part: str, rows: dict[str, Any], card: dict[str, Any]) -> None:
    """Write rows into a result file's part; rows of others, and of other renderers, stay."""
    known = json.loads(output.read_text()) if output.exists() else {}
    old = known.setdefault(part, {})
    for clip, row in rows.items():
        old[clip] = old.get(clip, {}) | row
    known[f"{part}_card"] = card
    write_json(output, known)


def _clip(
    shot: Take, renderers: dict[str, Renderer], sheet: Path, every: int = EVERY
) -> dict[str, Any]:
    """Measures of every renderer on one clip, and of the still portrait; writes a sheet."""
    chosen = range(every, len(shot.pictures), every)
    seen = [k for k in chosen if np.isfinite(shot.points[k]).all()]
    truth, points = shot.pictures[seen], shot.points[seen]
    made = {"still": np.repeat(shot.pictures[:1], len(seen), 0)}
    for name, renderer in renderers.items():
        made[name] = np.stack([renderer.frame(shot.beta[k], shot.pose[k]) for k in seen])
    far = np.linalg.norm(points - shot.points[0], axis=-1).mean(1)
    some = sorted(np.argsort(far)[[len(seen) // 4, len(seen) // 2, -min(3, len(seen)), -1]])
    lines = [truth, *(v for k, v in made.items() if k != "still")]
    picture = np.hstack([np.vstack([line[k] for line in lines]) for k in some])
    cv2.imwrite(str(sheet), picture[..., ::-1])
    return {name: measure(v, truth, points) for name, v in made.items()}


if __name__ == "__main__":
    main()
