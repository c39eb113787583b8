"""What all importers share.

The list of what was left out, arrays and sound of files, splits by person.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from elp import bounded
from elp.corpus.emotion import features
from elp.errors import ElpError
from elp.motion import Floats


@dataclass
class Skipped:
    """Rows that could not be imported, each with its reason; they end up on the corpus's card."""

    rows: list[dict[str, str]] = field(default_factory=list)

    def add(self, row: str, reason: object) -> None:
        self.rows.append({"row": row, "reason": " ".join(str(reason).split())})


def array(path: Path, *, key: str | None = None) -> Any:
    """A .npy array, or one array of an .npz, or a dict of them; no pickle. Raises ElpError."""
    try:
        if path.suffix == ".npy":  # of any size, in any order of its axes
            with bounded.regular(path, most=2**62) as file:
                return np.load(file, allow_pickle=False)
        data = bounded.arrays(path)
        return data[key] if key else data
    except ElpError as error:
        raise ElpError(str(error).replace(str(path), path.name)) from error
    except KeyError as error:
        raise ElpError(f"{path.name}: no array {key!r} in it") from error
    except Exception as error:
        raise ElpError(f"{path.name}: not readable ({error})") from error


def sound_of(path: Path, frames: int) -> tuple[Floats, Floats]:
    """Cepstra (T, 29) and prosody (T, 8) of a sound file for T = `frames` video frames.

    Raises ElpError where there is none or it is damaged.
    """
    from elp.media.audio import mfcc, read_audio
    from elp.media.prosody import prosody

    if not os.path.isfile(path):  # False for names that cannot be, too
        raise ElpError(f"{path.name}: no such file")
    audio = read_audio(path)
    if audio is None:
        raise ElpError(f"{path.name}: no sound in it")
    return mfcc(audio, frames), prosody(audio, frames)


def features_of_file(path: Path) -> Floats:
    """(216,) what the speech analyser hears of a file; raises ElpError where it has no sound."""
    from elp.media.audio import RATE, read_audio

    audio = read_audio(path) if path.is_file() else None
    if audio is None:
        raise ElpError(f"{path}: no sound to tell the emotion from: leave the analyser out")
    return features(audio, RATE)


def finite(name: str, *arrays: Any) -> None:
    """Raise ElpError where an array holds NaN or infinity."""
    if not all(np.isfinite(x).all() for x in arrays):
        raise ElpError(f"{name}: holds NaN or infinity")


def by_person(
    meetings: Iterable[tuple[str, str]], parts: tuple[float, float, float] = (0.7, 0.1, 0.2)
) -> dict[str, str]:
    """Person -> "train", "val" or "test", so that people who ever met are in the same one.

    Deterministic.

    Groups of acquainted people go, largest first, to the split that lacks most of its part. With
    fewer than three groups everybody is in "train".
    """
    group: dict[str, str] = {}

    def root(person: str) -> str:
        while group.setdefault(person, person) != person:
            person = group[person]
        return person

    size: dict[str, int] = {}
    meetings = list(meetings)
    for one, other in meetings:
        group[root(one)] = root(other)
    for one, _ in meetings:
        size[root(one)] = size.get(root(one), 0) + 1
    if len(size) < 3:
        return dict.fromkeys(group, "train")
    total, filled = sum(size.values()), [0, 0, 0]
    chosen: dict[str, str] = {}
    for name in sorted(size, key=lambda g: (-size[g], g)):
        empty = [k for k in range(3) if not filled[k]]
        lacking = empty if len(size) - len(chosen) <= len(empty) else range(3)
        best = max(lacking, key=lambda k: parts[k] - filled[k] / total)
        filled[best] += size[name]
        chosen[name] = ("train", "val", "test")[best]
    return {person: chosen[root(person)] for person in group}
