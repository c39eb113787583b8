"""rMEA's psychotherapy sample (Kleinbub & Ramseyer 2020).

Motion energy of patient and therapist at 25 fps; no sound, no face.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elp import bounded
from elp.corpus.importers.common import Skipped, array, by_person
from elp.corpus.importers.importer import Importer
from elp.corpus.writer import Record
from elp.errors import ElpError
from elp.motion import FPS, POSE, Motion

PEOPLE = ("patient", "therapist")


def read(source: Path, skipped: Skipped, **_: object) -> Iterator[Record]:
    """Records of an .npz with X (sessions, frames, 2), id and fps, or of the package's two-column
    text files below a folder.
    """
    sessions = dict(_stored(source) if source.suffix == ".npz" else _texts(source, skipped))
    split = by_person((f"{name}/{PEOPLE[0]}", f"{name}/{PEOPLE[1]}") for name in sessions)
    for name, energy in sessions.items():
        if not np.isfinite(energy).all():
            skipped.add(name, "motion energy holds NaN or infinity")
            continue
        for k, person in enumerate(PEOPLE):
            motion = Motion(
                beta=energy[:, k : k + 1],
                pose=np.zeros((len(energy), POSE), np.float32),
                blink=np.zeros(len(energy), np.uint8),
            )
            yield Record(
                clip=name,
                person=f"{name}/{person}",
                partner=f"{name}/{PEOPLE[1 - k]}",
                role="both",
                motion=motion,
                split=split[f"{name}/{person}"],
                source=name,
            )


def _stored(source: Path) -> Iterator[tuple[str, NDArray[np.float32]]]:
    data = array(source)
    for key in ("X", "id", "fps"):
        if key not in data:
            raise ElpError(f"{source}: no array {key!r} in it, it has: {', '.join(data)}")
    if data["X"].ndim != 3 or data["X"].shape[2] != 2 or float(data["fps"]) != FPS:
        raise ElpError(
            f"{source}: X has shape {data['X'].shape} at {float(data['fps']):g} fps, "
            "expected (sessions, frames, 2) at 25"
        )
    for name, energy in zip(data["id"], data["X"], strict=True):
        yield str(name), energy


def _texts(source: Path, skipped: Skipped) -> Iterator[tuple[str, NDArray[np.float32]]]:
    files = sorted(source.rglob("*.txt"))
    if not files:
        raise ElpError(
            f"{source}: no .txt file below it: "
            "give the folder of rMEA's sample sessions, or their .npz"
        )
    for path in files:
        try:
            with bounded.regular(path, bounded.SMALL) as file:
                energy = np.loadtxt(file, dtype=np.float32, usecols=(0, 1), ndmin=2)
        except (ValueError, IndexError) as error:
            skipped.add(path.name, f"expected two columns of numbers ({error})")
            continue
        yield str(path.relative_to(source).with_suffix("")), energy


IMPORTER = Importer(
    kind="rmea",
    reads="motion energy of the sample sessions, .txt files or one .npz",
    read=read,
    card={
        "name": "rMEA psychotherapy",
        "emotions": ["negative", "neutral", "positive"],
        "licence": "GPL-3 (R package rMEA)",
        "source": "Kleinbub & Ramseyer, rMEA, Psychotherapy Research 2021",
        "splits": "by person",
        "beta_names": ["motion_energy"],
        "coefficients": "motion energy; pose and blinks are unknown and zero",
        "sound": "none: cepstra and prosody are those of silence",
    },
)
