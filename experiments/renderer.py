"""The portrait renderer measured on re-tracked pixels: does it do what was asked for? (chapter "The
renderer").

    python -m experiments.renderer --clips FOLDER
    python -m experiments.renderer --portraits FOLDER --speaker CLIP.npz --corpus FOLDER

A clip is re-made from its own first frame and its own motion; portraits answer a clip. No picture
is kept: numbers only.
"""

# T frame
from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from numpy.typing import NDArray

from elp.corpus import Corpus
from elp.evaluation.controllability import EmotionClassifier
from elp.extraction.blink import blink, ear, lid_aperture
from elp.extraction.fit import fit
from elp.face.landmarks import OVAL, POINTS
from elp.face.model import FaceModel
from elp.listener.responder import ELPResponder
from elp.media.track import landmarks
from elp.motion import POSE, Clip, Motion, runs
from elp.records import commit, run_card, write_json
from elp.render import Manner, Portrait, WarpRenderer, blink_control
from elp.render.frames import play
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


def reenactment(clip: Take, *, limits: bool = True) -> dict[str, Any]:
    """Distances of the points to the true ones in pixels of SIDE, likeness, and how much of the
    true smile's widening arrives.
    """
    renderer = WarpRenderer(clip.portrait, SIDE, limits=limits)
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
        "still_ssim": round(likeness([clip.pictures[0]] * len(truth), clip.pictures[1:]), 4),
        "smile_of_true": round(
            float((np.nanmean(shown[widest]) - first) / (wide[widest].mean() - first)), 3
        ),
        "true_widening": round(float(wide[widest].mean() / first - 1), 3),
    }


def answers(
    portrait: Portrait, told: dict[str, Motion], reader: Any
) -> tuple[dict[str, Any], Floats]:
    """One portrait answering under every emotion: lids that differ, blinks found again, and which
    emotion is read off its re-tracked face.

    A face says what it feels by how it differs from itself at rest: what is read is β less that of
    the same person in the same manner while nothing is asked for, all fitted as one person.

    Returns:
        The row, and where the named directions stand under each emotion, (emotions, names) shares.
    """
    manner, differ, asked, found = Manner(), 0, 0, 0
    renderer, model = WarpRenderer(portrait, SIDE), portrait.model
    rest = _still(np.zeros((SETTLED + REST, len(portrait.beta)), np.float32))
    seen = [tracked(list(play(renderer, portrait, rest, manner)))[SETTLED::STEP]]
    for answer in told.values():
        motion = manner.motion(answer, portrait)
        beta = blink_control(motion.beta, motion.blink, model)
        poses = zip(beta, motion.pose, strict=True)
        lids = np.array([renderer.vertices(b, p)[3] for b, p in poses])
        differ += int((np.abs(np.diff(lids, axis=1)) > WINK).sum())
        points = tracked(list(play(renderer, portrait, answer, manner)))
        phi = blink(ear(points), iris=lid_aperture(points))
        spans = [s for s in runs(answer.blink) if s[0] >= SETTLED and s[1] < len(phi) - 1]
        asked += len(spans)
        found += sum(bool(phi[max(a - 1, 0) : b + 1].any()) for a, b in spans)
        seen.append(points[SETTLED::STEP])
    again = fit(np.concatenate(seen), (SIDE, SIDE), model, smooth=0.0).beta
    first, *parts = np.split(again, np.cumsum([len(x) for x in seen])[:-1])
    moved = [_still(part - np.median(first, 0)) for part in parts]
    names = list(told)
    smiles = [round(float(smile(m, model)), 3) for m in moved]
    row = {
        "lids_differ": differ,
        "blinks_asked": asked,
        "blinks_found": found,
        "read": dict(zip(names, [names[k] for k in reader.predict(moved)], strict=True)),
        "smile": dict(zip(names, smiles, strict=True)),
        "in_order": bool(np.all(np.diff([-np.inf, *smiles]) > 0)),
    }
    return row, np.stack([m.beta[:, : len(model.full)].mean(0) / model.full for m in moved])


def _still(beta: Floats) -> Motion:
    """A motion of faces alone."""
    return Motion(
        beta=beta, pose=np.zeros((len(beta), POSE), np.float32), blink=np.zeros(len(beta))
    )


def told_apart(stands: dict[str, Floats], emotions: list[str]) -> dict[str, dict[str, str]]:
    """Which emotion is read in each portrait by who knows the other portraits' faces alone.

    A tracker sees a frown otherwise than a face model draws it, but alike in every portrait.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    out = {}
    for name, faces in stands.items():
        others = [x for other, x in stands.items() if other != name]
        reader = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=5000))
        reader.fit(np.concatenate(others), np.tile(emotions, len(others)))
        out[name] = dict(zip(emotions, reader.predict(faces).tolist(), strict=True))
    return out


def smile(motion: Motion, model: FaceModel) -> float:
    """Mean share of the smile less that of the frown."""
    sides = [model.index(f"smile_{side}") for side in "lr"]
    frowns = [model.index(f"frown_{side}") for side in "lr"]
    share = motion.beta[:, : len(model.full)] / model.full
    return float(share[:, sides].mean() - share[:, frowns].mean())


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
    clips: Annotated[Path | None, typer.Option(help="Folder of videos of one person.")] = None,
    portraits: Annotated[Path | None, typer.Option(help="Folder of pictures.")] = None,
    speaker: Annotated[Path | None, typer.Option(help="Clip that the portraits answer.")] = None,
    corpus: Annotated[Path | None, typer.Option(help="Its listeners teach the reader.")] = None,
    output: Annotated[Path, typer.Option("-o")] = Path("book/results/renderer.json"),
    frames: int = 125,
) -> None:
    """Fill the parts of the result file whose folders are given."""
    commit()  # of the code that runs now, however long it takes
    result = json.loads(output.read_text()) if output.exists() else {}
    if clips is not None:
        result["clips"] = of_clips(clips)
    if portraits is not None and speaker is not None and corpus is not None:
        result["portraits"] = of_portraits(portraits, Clip.load(speaker)[:frames], corpus)
    write_json(output, result)


def of_clips(folder: Path) -> dict[str, Any]:
    """Every clip of a folder made again, with limits and without."""
    started, rows = time.time(), {}
    for path in sorted(folder.glob("*.mp4")):
        clip = take(path, STEP, smooth=0.0)
        rows[path.stem] = {
            "limits": reenactment(clip),
            "no limits": reenactment(clip, limits=False),
        }
        print(path.stem, rows[path.stem], flush=True)
    return run_card(seed=None, started=started) | {"size": SIDE, "rows": rows}


def of_portraits(folder: Path, speaker: Clip, corpus: Path) -> dict[str, Any]:
    """Every portrait of a folder answering that speaker under every emotion."""
    started, rows, stands = time.time(), {}, {}
    reader, listener = EmotionClassifier(Corpus.open(corpus)), ELPResponder.from_checkpoint()
    told = {
        name: listener.respond(speaker, name, generator=torch.Generator().manual_seed(0))
        for name in reader.emotions
    }
    for path in sorted(folder.iterdir()):
        portrait = Portrait.load(path)
        rows[path.stem], stands[path.stem] = answers(portrait, told, reader)
        rows[path.stem]["sharpness"] = {str(x): sharpness(portrait, x) for x in (256, 512)}
        print(path.stem, rows[path.stem], flush=True)
    for name, read in told_apart(stands, list(told)).items():
        rows[name]["told_apart"] = read
    found, asked = (sum(r[f"blinks_{k}"] for r in rows.values()) for k in ("found", "asked"))
    right, apart = (
        [a == b for r in rows.values() for a, b in r[key].items()] for key in ("read", "told_apart")
    )
    total = {
        "frames": len(speaker),
        "lids_differ": sum(r["lids_differ"] for r in rows.values()),
        "blinks_asked": asked,
        "blinks_found": round(found / max(1, asked), 3),
        "emotions_read": round(float(np.mean(right)), 3),
        "emotions_told_apart": round(float(np.mean(apart)), 3),
        "emotions_in_order": round(float(np.mean([r["in_order"] for r in rows.values()])), 3),
    }
    return run_card(seed=0, started=started) | total | {"size": SIDE, "rows": rows}


if __name__ == "__main__":
    typer.run(main)
