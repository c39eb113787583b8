"""Portraits that answer: is what was asked for found again in the pixels? (chapter "The renderer").

    python -m experiments.portraits CLIP.npz CORPUS PICTURES ... --drawn 12 --without NAME,NAME

Each of PICTURES is a folder of pictures, or of videos whose first frames are portraits; `--drawn`
adds simulated people. All answer CLIP under every emotion of CORPUS, whose listeners teach the
reader. No picture is kept: numbers only. `--without` names the portraits that constants of the
renderer were chosen on.
"""

# T frame
from __future__ import annotations

import time
from dataclasses import replace
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
from elp.face.model import FaceModel
from elp.listener.responder import ELPResponder
from elp.media.video import frames
from elp.motion import POSE, Clip, Motion
from elp.records import commit, run_card, write_json
from elp.render import Manner, Portrait, WarpRenderer, blink_control
from elp.render.doubts import doubts
from elp.render.manner import surplus
from elp.render.mesh2video.studio import Studio
from experiments.clips import SIDE
from experiments.renderer import STEP, tracked

Floats = NDArray[Any]
WINK = 0.25  # difference of the lids' shares that a viewer takes for a wink
SETTLED = 15  # frames until the motion has come in
BLINK = 14, 19  # frames of a blink that is asked for
REST = 36  # frames of a portrait that is asked for nothing
RELAXED = 0.25, 0.5, 0.75, 1.0  # shares of its own expression that a portrait lets go
FIRST_DRAWN = 100  # seed of the first simulated person


def answers(
    portrait: Portrait, told: dict[str, Motion], reader: Any, manner: Manner
) -> tuple[dict[str, Any], Floats]:
    """One portrait answering under every emotion: lids that differ, and which emotion is read off
    its re-tracked face.

    A face says what it feels by how it differs from itself at rest: what is read is β less that of
    the same person in the same manner while nothing is asked for, all fitted as one person. "read"
    sees the named directions alone: the other modes are the person's and the tracker's, and the
    reader knows its own people as well without them. "read_all" sees all of β.

    Returns:
        The row, and where the named directions stand under each emotion, (emotions, names) shares.
    """
    renderer, model = WarpRenderer(portrait, SIDE), portrait.model
    rest = _still(np.zeros((SETTLED + REST, len(portrait.beta)), np.float32))
    pictures, differ = [drawn_of(renderer, portrait, rest, manner)], 0
    for answer in told.values():
        pictures.append(drawn_of(renderer, portrait, answer, manner))
        motion = manner.motion(answer, portrait)
        poses = zip(blink_control(motion.beta, motion.blink, model), motion.pose, strict=True)
        lids = np.array([renderer.vertices(b, p)[3] for b, p in poses])
        differ += int((np.abs(np.diff(lids, axis=1)) > WINK).sum())
    points = tracked([x for part in pictures for x in part])
    again = fit(points, (SIDE, SIDE), model, smooth=0.0).beta
    first, *parts = np.split(again, np.cumsum([len(x) for x in pictures])[:-1])
    every, names = [part - np.median(first, 0) for part in parts], list(told)
    named = np.arange(again.shape[1]) < len(model.full)
    moved = [_still(x * named) for x in every]
    smiles = [round(float(smile(m, model)), 3) for m in moved]
    row = {
        "lids_differ": differ,
        "blink_found": blinks(renderer, portrait),
        "warned": warned(portrait),
        "read": _read(reader, names, moved),
        "read_all": _read(reader, names, [_still(x) for x in every]),
        "arrives": _arrives(told, moved, model),
        "smile": dict(zip(names, smiles, strict=True)),
        "in_order": bool(np.all(np.diff([-np.inf, *smiles]) > 0)),
    }
    return row, np.stack([m.beta[:, : len(model.full)].mean(0) / model.full for m in moved])


def drawn_of(
    renderer: WarpRenderer, portrait: Portrait, asked: Motion, manner: Manner
) -> list[NDArray[np.uint8]]:
    """Every `STEP`-th picture of a motion in that manner, once it has come in."""
    motion = manner.motion(asked, portrait)
    beta = blink_control(motion.beta, motion.blink, portrait.model)
    looks, sway = manner.looks(len(motion), portrait), manner.sway(asked)
    times = range(SETTLED, len(motion), STEP)
    return [renderer.frame(beta[t], motion.pose[t], looks[t], sway[t]) for t in times]


def blinks(renderer: WarpRenderer, portrait: Portrait) -> bool:
    """Whether a blink that is asked for, the head at rest, is found by the tracker."""
    phi = np.isin(np.arange(24), range(*BLINK)).astype(np.uint8)
    still = np.zeros((len(phi), len(portrait.beta)), np.float32)
    points = tracked(list(renderer.frames(replace(_still(still), blink=phi))))
    return bool(blink(ear(points), iris=lid_aperture(points))[slice(*BLINK)].any())


def warned(portrait: Portrait) -> bool:
    """Whether a warning says that blinks of this portrait will hardly show."""
    aside = float(np.rad2deg(abs(portrait.rotation[1])))
    return any("blinks" in said for said in doubts(portrait.points, 1.0, SIDE, aside))


def _read(reader: Any, names: list[str], motions: list[Motion]) -> dict[str, str]:
    return dict(zip(names, [names[k] for k in reader.predict(motions)], strict=True))


def _arrives(told: dict[str, Motion], moved: list[Motion], model: FaceModel) -> dict[str, float]:
    """How much of what was asked for is found again: of the smile under "positive", of frown and
    lowered brows under "negative".
    """
    out, found = {}, dict(zip(told, moved, strict=True))
    for name, emotion in (("smile", "positive"), ("frown", "negative"), ("brow_down", "negative")):
        sides = [model.index(f"{name}_{side}") for side in "lr"]
        asked = told[emotion].beta[SETTLED::STEP, sides].mean()
        out[name] = round(float(found[emotion].beta[:, sides].mean() / asked), 3)
    return out


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


def faces(folders: list[Path], drawn: int, without: list[str]) -> dict[str, Portrait]:
    """Pictures and first frames of folders by name, and simulated people, but for some."""
    out = {}
    for path in sorted(path for folder in folders for path in folder.iterdir()):
        if path.stem not in without:
            first = next(iter(frames(path))) if path.suffix == ".mp4" else path
            out[path.stem] = Portrait.load(first)
    for k in range(drawn):
        if f"drawn{k}" not in without:
            out[f"drawn{k}"] = Portrait.load(Studio(FIRST_DRAWN + k).portrait(2 * SIDE))
    return out


def left(portrait: Portrait, relax: float) -> float | None:
    """What is left of a portrait's own strong expression once so much of it is let go, as a tracker
    finds it: 1 is all; None where it has none.
    """
    renderer, model, still = WarpRenderer(portrait, SIDE), portrait.model, np.zeros(POSE)
    own = surplus(portrait)
    let = [renderer.frame(share * own, still) for share in (0.0, -relax)]
    found = fit(tracked(let, still=True), (SIDE, SIDE), model, smooth=0.0).beta
    rows = np.flatnonzero(own)
    shares = found[:, rows] / model.full[rows] * np.sign(own[rows])
    return round(float(shares[1].sum() / shares[0].sum()), 3) if len(rows) else None


def means(rows: list[dict[str, Any]], emotions: list[str]) -> dict[str, Any]:
    """Over portraits: shares of emotions read, by emotion; of blinks found; what arrives."""
    out: dict[str, Any] = {
        "people": len(rows),
        "lids_differ": sum(r["lids_differ"] for r in rows),
        "blinks_found": round(float(np.mean([r["blink_found"] for r in rows])), 3),
        "found_or_warned": round(
            float(np.mean([r["blink_found"] or r["warned"] for r in rows])), 3
        ),
        "in_order": round(float(np.mean([r["in_order"] for r in rows])), 3),
    }
    for key in ("read", "read_all", "told_apart"):
        out[key] = {e: round(float(np.mean([r[key][e] == e for r in rows])), 3) for e in emotions}
    for name in rows[0]["arrives"]:
        out[f"{name}_arrives"] = round(float(np.median([r["arrives"][name] for r in rows])), 3)
    return out


def measured(
    people: dict[str, Portrait], speaker: Clip, corpus: Path, manner: Manner
) -> dict[str, Any]:
    """Every portrait answering that speaker under every emotion, and means over all."""
    started, rows, stands = time.time(), {}, {}
    reader, listener = EmotionClassifier(Corpus.open(corpus)), ELPResponder.from_checkpoint()
    told = {
        name: listener.respond(speaker, name, generator=torch.Generator().manual_seed(0))
        for name in reader.emotions
    }
    for name, portrait in people.items():
        rows[name], stands[name] = answers(portrait, told, reader, manner)
        print(name, rows[name], flush=True)
    for name, read in told_apart(stands, list(told)).items():
        rows[name]["told_apart"] = read
    card = run_card(seed=0, started=started) | {"frames": len(speaker), "size": SIDE}
    asked = {"vivid": manner.vivid, "relax": manner.relax, "reader_on_test": reader.accuracy()}
    total = means(list(rows.values()), list(told))
    total["own_left"] = {
        str(x): round(
            float(np.median([v for p in people.values() if (v := left(p, x)) is not None])), 3
        )
        for x in RELAXED
    }
    return card | asked | total | {"rows": rows}


def main(
    speaker: Annotated[Path, typer.Argument(help="Clip that the portraits answer.")],
    corpus: Annotated[Path, typer.Argument(help="Its listeners teach the reader.")],
    pictures: Annotated[list[Path], typer.Argument(help="Folders of pictures or videos.")],
    drawn: Annotated[int, typer.Option(help="Simulated people more.")] = 0,
    without: Annotated[str, typer.Option(help="Portraits that constants were chosen on.")] = "",
    length: Annotated[int, typer.Option(help="Frames of the clip.")] = 100,
    output: Annotated[Path, typer.Option("-o")] = Path("book/results/portraits.json"),
) -> None:
    """Fill the result file: as shown, and "plain", without strengthening."""
    commit()  # of the code that runs now, however long it takes
    people, clip = faces(pictures, drawn, without.split(",")), Clip.load(speaker)[:length]
    manners = {"shown": Manner(), "plain": Manner(vivid=1)}
    result = {}
    for name, manner in manners.items():
        result[name] = measured(people, clip, corpus, manner)
        write_json(output, result)


if __name__ == "__main__":
    typer.run(main)
