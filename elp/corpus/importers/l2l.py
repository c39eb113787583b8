"""Learning2Listen (Ng et al., CVPR 2022).

DECA coefficients in windows of 64 frames at 30 fps, mel spectra at four per frame.
"""

# n window, T frame
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elp.corpus.emotion import features_of_mel
from elp.corpus.importers.common import Skipped, array, finite
from elp.corpus.importers.importer import Importer
from elp.corpus.importers.resample import linear, rotations
from elp.corpus.writer import Record
from elp.errors import ElpError
from elp.motion import MFCC, Floats, Motion

FPS = 30.0
TURN = np.array([1.0, -1.0, -1.0])  # DECA's axes: y up, z towards the camera; ours: y down, z away
EXPRESSION, POSE, WIDTH = 50, 6, 184


def flame(expression: NDArray[Any], pose: NDArray[Any], fps: float) -> Motion:
    """FLAME coefficients (T, 50) and pose (T, 6) at `fps` as a Motion at 25 fps.

    FLAME's pose is head rotation and jaw rotation; it has no translation. Both are kept where they
    are, so that pose[3:6] of these corpora is the jaw (the card says so); the head's rotation is
    turned into our axes. FLAME does not see blinks: φ is 0.
    """
    finite("coefficients", expression, pose)
    head, jaw = rotations(pose[:, :3] * TURN, fps), rotations(pose[:, 3:6], fps)
    beta = linear(expression, fps)
    return Motion(
        beta=beta, pose=np.concatenate([head, jaw], axis=1), blink=np.zeros(len(beta), np.uint8)
    )


def mel(source: Path, clip: str) -> NDArray[Any]:
    """Mel spectra (4 T, 128) in decibels of an imported clip's speaker."""
    name, split, side, window = clip.split("/")
    root = source / "data" if (source / "data").is_dir() else source
    return decibel(
        np.load(
            root / name / split / f"{side}_speak_audio_clean_deca.npy",
            mmap_mode="r",
            allow_pickle=False,
        )[int(window)]
    )


def features(source: Path, row: Any) -> Floats:
    """(216,) what the speech analyser hears of an imported row's speaker."""
    return features_of_mel(mel(source, row.clip), 4 * FPS)


def decibel(mel: NDArray[Any]) -> NDArray[np.float64]:
    """Powers as decibels; what has a negative value is in decibels already."""
    x = np.asarray(mel, np.float64)
    return 10 * np.log10(np.maximum(x, 1e-10)) if x.min() >= 0 else x


def cepstra(mel: NDArray[Any], frames: int) -> Floats:
    """Mel spectra (4 T, 128) -> (frames, 29) cepstra at 25 fps.

    Decibels, cosine transform, mean of the four, straight lines.
    """
    from scipy.fft import dct

    coefficients = dct(decibel(mel), type=2, norm="ortho", axis=1)[:, :MFCC]
    per_frame = coefficients[: len(coefficients) // 4 * 4].reshape(-1, 4, MFCC).mean(axis=1)
    return linear(per_frame, FPS)[:frames]


def read(source: Path, skipped: Skipped, **_: Any) -> Iterator[Record]:
    """Records of `source`/{name}/{train,test}/p{0,1}_*.npy (or `source`/data/...).

    The speaker of p0 goes with the listener of p1.
    """
    root = source / "data" if (source / "data").is_dir() else source
    folders = sorted(
        path for path in root.glob("*/*") if path.is_dir() and path.name in ("train", "test")
    )
    if not folders:
        raise ElpError(
            f"{source}: no folder NAME/train or NAME/test in it: "
            "give the folder that holds conan, fallon, ..."
        )
    for folder in folders:
        for side in (0, 1):
            yield from _side(folder, side, skipped)


def _side(folder: Path, side: int, skipped: Skipped) -> Iterator[Record]:
    name, split, other = folder.parent.name, folder.name, 1 - side
    files = {
        "speaker": f"p{side}_speak_faces_clean_deca.npy",
        "listener": f"p{other}_list_faces_clean_deca.npy",
        "audio": f"p{side}_speak_audio_clean_deca.npy",
    }
    where = f"{name}/{split}/p{side}"
    try:
        data = {what: array(folder / file) for what, file in files.items()}
        windows = {what: len(x) for what, x in data.items()}
        if len(set(windows.values())) != 1:
            raise ElpError(
                "different numbers of windows: "
                + ", ".join(f"{files[what]} {n}" for what, n in windows.items())
            )
        for what, width in (("speaker", WIDTH), ("listener", WIDTH), ("audio", 128)):
            if data[what].ndim != 3 or data[what].shape[2] != width:
                raise ElpError(
                    f"{files[what]}: shape {data[what].shape}, expected (n, frames, {width})"
                )
    except ElpError as error:
        skipped.add(where, error)
        return
    people = {"speaker": f"{name}_p{side}", "listener": f"{name}_p{other}"}
    for window in range(len(data["speaker"])):
        clip = f"{where}/{window:05d}"
        try:
            both = {
                who: flame(
                    data[who][window][:, :EXPRESSION],
                    data[who][window][:, EXPRESSION:][:, :POSE],
                    FPS,
                )
                for who in people
            }
            finite("mel spectra", data["audio"][window])
            mfcc = cepstra(data["audio"][window], len(both["speaker"]))
        except ElpError as error:
            skipped.add(clip, error)
            continue
        for who, partner in (("speaker", "listener"), ("listener", "speaker")):
            yield Record(
                clip=clip,
                person=people[who],
                partner=people[partner],
                role=who,
                motion=both[who],
                split=split,
                mfcc=mfcc if who == "speaker" else None,
                source=f"{name}/{split}/{files[who]}[{window}]",
            )


IMPORTER = Importer(
    kind="l2l",
    reads="folders NAME/train and NAME/test of DECA coefficients and mel spectra",
    read=read,
    features=features,
    card={
        "name": "Learning2Listen",
        "emotions": ["unpositive", "positive"],
        "licence": "as its authors state (research)",
        "source": "Ng et al., Learning to Listen, CVPR 2022",
        "splits": "the authors': the same people are in train and test",
        "pose_names": ["rotation_x", "rotation_y", "rotation_z", "jaw_x", "jaw_y", "jaw_z"],
        "coefficients": "FLAME expression (DECA)",
        "sound": "mel spectra only: cepstra, but no prosody",
    },
)
