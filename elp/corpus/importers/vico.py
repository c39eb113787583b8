"""ViCo (Zhou et al., ECCV 2022).

A csv of pairs, Deep3DFace coefficients (.mat) or the raw videos, one sound file per speaker, 30
fps.
"""

# T frame
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from elp.corpus.importers.common import Skipped, finite, sound_of
from elp.corpus.importers.importer import Importer
from elp.corpus.importers.resample import linear, rotations
from elp.corpus.importers.tables import table
from elp.corpus.videos import Extraction, Shot
from elp.corpus.writer import Record
from elp.errors import ElpError
from elp.motion import Motion

FPS = 30.0
COLUMNS = ("attitude", "audio", "listener", "speaker", "listener_id", "speaker_id", "data_split")
SPLITS = {"train": "train", "val": "val", "valid": "val", "test": "test_seen", "ood": "test"}
ATTITUDES = ("negative", "neutral", "positive")
EXPRESSION, ANGLE, SHIFT, WIDTH = slice(80, 144), slice(224, 227), slice(254, 257), 257
UNIT = 10.0  # cm: Deep3DFace's model is in decimetres


def read(source: Path, skipped: Skipped, *, extraction: Extraction, **_: Any) -> Iterator[Record]:
    """Records of RLD_data.csv. A person's NAME.mat, anywhere below `source`, wins over
    videos/NAME.mp4, which we extract ourselves.

    Splits: train stays; "ood" becomes "test" (people nobody trained on), "test" becomes "test_seen"
    (people of the training set).
    """
    path = source if source.suffix == ".csv" else source / "RLD_data.csv"
    rows, root = table(path, COLUMNS, skipped), path.parent
    files = {kind: _below(root, kind) for kind in (".mat", ".mp4", ".wav")}
    named = {
        name: f
        for name in {*rows["speaker"], *rows["listener"]}
        if (f := files[".mat"].get(_stem(name)) or files[".mp4"].get(_stem(name)))
    }
    failures = extraction.run(Shot(f) for f in named.values() if f.suffix == ".mp4")
    for row in rows.itertuples():
        try:
            yield from _row(row, row.Index, named, files[".wav"], failures, extraction)
        except ElpError as error:
            skipped.add(f"{path.name} line {row.Index}", error)


def _row(
    row: Any,
    number: int,
    named: dict[str, Path],
    sounds: dict[str, Path],
    failures: dict[Shot, str],
    extraction: Extraction,
) -> list[Record]:
    if row.attitude not in ATTITUDES:
        raise ElpError(f"attitude {row.attitude!r}, expected one of {', '.join(ATTITUDES)}")
    if row.data_split not in SPLITS:
        raise ElpError(f"data_split {row.data_split!r}, expected one of {', '.join(SPLITS)}")
    if _stem(row.audio) not in sounds:
        raise ElpError(f"{row.audio}: no such sound file (.wav)")
    both = {}
    for who, name in (("speaker", row.speaker), ("listener", row.listener)):
        if name not in named:
            raise ElpError(f"{name}: neither a .mat nor a .mp4 of that name")
        shot = Shot(named[name])
        if shot in failures:
            raise ElpError(f"{named[name].name}: {failures[shot]}")
        both[who] = (
            deep3d(named[name]) if named[name].suffix == ".mat" else extraction.clip(shot).motion
        )
    mfcc, prosody = sound_of(sounds[_stem(row.audio)], len(both["speaker"]))
    people = {"speaker": str(row.speaker_id), "listener": str(row.listener_id)}
    return [
        Record(
            clip=f"{number:05d}_{_stem(row.listener)}",
            person=people[who],
            partner=people[other],
            role=who,
            motion=both[who],
            emotion=row.attitude,
            split=SPLITS[row.data_split],
            mfcc=mfcc if who == "speaker" else None,
            prosody=prosody if who == "speaker" else None,
            source=named[getattr(row, who)].name,
        )
        for who, other in (("speaker", "listener"), ("listener", "speaker"))
    ]


def deep3d(path: Path) -> Motion:
    """A .mat of Deep3DFace.

    Its coeff (T, 257) = identity 80, expression 64, texture 80, angles 3, light 27, translation 3.

    Angles turn about x, then y, then z, in axes with y up and z towards the camera; the result is
    in ours. The crop in transform_params is not used. Blinks are not in these coefficients: φ is 0.
    """
    from scipy.io import loadmat
    from scipy.spatial.transform import Rotation

    try:
        coefficients = np.asarray(loadmat(path, variable_names=["coeff"])["coeff"], np.float64)
    except KeyError as error:
        raise ElpError(f"{path.name}: no array 'coeff' in it") from error
    except Exception as error:
        raise ElpError(f"{path.name}: not a readable .mat ({error})") from error
    if coefficients.ndim != 2 or coefficients.shape[1] != WIDTH or not len(coefficients):
        raise ElpError(
            f"{path.name}: coeff has shape {coefficients.shape}, expected (frames, {WIDTH})"
        )
    finite(path.name, coefficients)
    turn = rotations(
        Rotation.from_euler("xyz", coefficients[:, ANGLE]).as_rotvec() * [1, -1, -1], FPS
    )
    shift = linear(coefficients[:, SHIFT] * [UNIT, -UNIT, -UNIT], FPS)
    beta = linear(coefficients[:, EXPRESSION], FPS)
    pose = np.concatenate([turn, shift - np.median(shift, axis=0)], axis=1)
    return Motion(beta=beta, pose=pose, blink=np.zeros(len(beta), np.uint8))


def _stem(name: str) -> str:
    return name.rsplit("/", 1)[-1].removesuffix(".mp4").removesuffix(".wav").removesuffix(".mat")


def _below(root: Path, kind: str) -> dict[str, Path]:
    return {path.stem: path for path in sorted(root.rglob(f"*{kind}"), reverse=True)}


IMPORTER = Importer(
    kind="vico",
    reads="RLD_data.csv, with .mat coefficients or videos, and .wav files",
    read=read,
    card={
        "name": "ViCo",
        "emotions": list(ATTITUDES),
        "licence": "as its authors state (research)",
        "source": "Zhou et al., Responsive listening head generation, ECCV 2022",
        "splits": "the authors': test holds unseen people (their ood), "
        "test_seen people of the training set (their test)",
        "coefficients": "Deep3DFace expression from .mat files, "
        "or this project's face model from videos",
    },
)
