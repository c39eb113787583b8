"""Writes a corpus from a stream of records, whole or not at all."""

# T frame, D expression coefficient
from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from elp.errors import ElpError
from elp.files import new_folder
from elp.motion import FPS, MFCC, POSE, PROSODY, SILENT, Floats, Motion, fill_gaps
from elp.records import sha256

COLUMNS = ("clip", "person", "partner", "role", "emotion", "split", "offset", "length", "source")
ROLES = ("speaker", "listener", "both")
FORMAT = 2  # 1 knew no prosody


@dataclass(frozen=True, kw_only=True)
class Record:
    """One person in one clip: a row of the index and its frames.

    Attributes:
        clip: name shared by the people who were together.
        person, partner: names; unique over the corpus.
        role: "speaker", "listener", or "both" where nobody said who spoke.
        motion: T frames at 25 fps; frames that are not valid may hold NaN.
        mfcc: (T, 29), or None where there is no sound.
        prosody: (T, 8), or None where there is no sound, or where only its spectra are known.
        emotion: a name of the card's emotions, or "" when unknown.
        split: "train", "val" or "test".
        source: file that it came from.
    """

    clip: str
    person: str
    partner: str
    role: str
    motion: Motion
    mfcc: Floats | None = None
    prosody: Floats | None = None
    emotion: str = ""
    split: str = "train"
    source: str = ""


class Rows:
    """A .npy file that grows row by row.

    The header, of fixed length, is written again with the true count at the end.
    """

    def __init__(self, path: Path, dtype: type, width: tuple[int, ...]) -> None:
        self.file, self.dtype, self.width, self.count = path.open("wb"), np.dtype(dtype), width, 0
        self._header()

    def _header(self) -> None:
        shape = (self.count, *self.width)
        header = {
            "descr": np.lib.format.dtype_to_descr(self.dtype),
            "fortran_order": False,
            "shape": shape,
        }
        self.file.seek(0)
        np.lib.format.write_array_header_1_0(self.file, header)

    def append(self, rows: NDArray[Any]) -> None:
        self.file.write(np.ascontiguousarray(rows, self.dtype).data)
        self.count += len(rows)

    def close(self) -> None:
        self._header()
        self.file.close()


class Running:
    """Mean and deviation of a stream of rows (sums in double precision about the first batch's
    mean).
    """

    def __init__(self) -> None:
        self.count, self.shift = 0, np.zeros(())
        self.first: NDArray[np.float64] = np.zeros(())
        self.second: NDArray[np.float64] = np.zeros(())

    def add(self, rows: NDArray[Any]) -> None:
        x = rows.astype(np.float64)
        if len(x) and not self.count:
            self.shift = x.mean(0)
        x -= self.shift
        self.count, self.first, self.second = (
            self.count + len(x),
            self.first + x.sum(0),
            self.second + (x * x).sum(0),
        )

    def moments(self, width: int) -> list[list[float]]:
        if not self.count:
            return [[0.0] * width, [1.0] * width]
        mean = self.first / self.count
        std = np.sqrt(np.maximum(self.second / self.count - mean**2, 0)).clip(min=1e-3)
        return [[float(f"{v:.7g}") for v in x] for x in (mean + self.shift, std)]


def write_corpus(
    dest: Path,
    records: Iterable[Record],
    card: dict[str, Any],
    finish: Callable[[pd.DataFrame], pd.DataFrame] | None = None,
) -> None:
    """See `Corpus.write`."""
    with new_folder(dest) as folder:
        index, width, stats = _append(folder, records, card["emotions"])
        if not index:
            raise ElpError(f"{dest}: no clip to write: the corpus would be empty")
        frame = pd.DataFrame(index, columns=list(COLUMNS))
        frame = finish(frame) if finish else frame
        frame.to_parquet(folder / "index.parquet", index=False)
        made = sorted(path.name for path in folder.iterdir())
        hours = sum(row[COLUMNS.index("length")] for row in index) / FPS / 3600
        full = card | {
            "format": FORMAT,
            "fps": FPS,
            "beta": width,
            "pose": POSE,
            "mfcc": MFCC,
            "prosody": len(PROSODY) if (folder / "prosody.npy").exists() else 0,
            "clips": int(frame["clip"].nunique()),
            "people": int(frame["person"].nunique()),
            "person_hours": round(hours, 4),
            "stats": stats,
            "sha256": {name: sha256(folder / name) for name in made},
        }
        (folder / "card.json").write_text(
            json.dumps(full, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )


def _append(
    folder: Path, records: Iterable[Record], emotions: list[str]
) -> tuple[list[tuple[Any, ...]], int, dict[str, Any]]:
    files: dict[str, Rows] = {}
    stats = {name: Running() for name in ("beta", "pose", "mfcc")}
    index: list[tuple[Any, ...]] = []
    width, offset, measured = 0, 0, True
    try:
        for record in records:
            arrays = _arrays(record, emotions)
            if not files:
                width = arrays["beta"].shape[1]
                files = {
                    name: Rows(folder / f"{name}.npy", x.dtype.type, x.shape[1:])
                    for name, x in arrays.items()
                }
            if arrays["beta"].shape[1] != width:
                raise ElpError(
                    f"{record.clip}: {arrays['beta'].shape[1]} expression coefficients, "
                    f"the clips before have {width}"
                )
            for name, rows in arrays.items():
                files[name].append(rows)
            if record.split == "train":
                for name in ("beta", "pose") + (("mfcc",) if record.role != "listener" else ()):
                    stats[name].add(arrays[name][arrays["valid"]])
            measured &= record.prosody is not None or record.mfcc is None
            length = len(record.motion)
            row = (
                record.clip,
                record.person,
                record.partner,
                record.role,
                record.emotion,
                record.split,
                offset,
                length,
                record.source,
            )
            index.append(row)
            offset += length
    finally:
        for file in files.values():
            file.close()
    if not measured:  # of some voices only: nobody can learn from that
        (folder / "prosody.npy").unlink()
    return (
        index,
        width,
        {
            "beta": stats["beta"].moments(width),
            "pose": stats["pose"].moments(POSE),
            "mfcc": stats["mfcc"].moments(MFCC),
        },
    )


def _arrays(record: Record, emotions: list[str]) -> dict[str, NDArray[Any]]:
    motion, mfcc = record.motion, record.mfcc
    if record.role not in ROLES:
        raise ElpError(f"{record.clip}: role {record.role!r}, expected one of {', '.join(ROLES)}")
    if record.emotion not in ("", *emotions):
        raise ElpError(
            f"{record.clip}: unknown emotion {record.emotion!r}, "
            f"this corpus knows {', '.join(emotions)}"
        )
    if mfcc is None:
        mfcc = np.zeros((len(motion), MFCC), np.float32)
    if mfcc.shape != (len(motion), MFCC):
        raise ElpError(
            f"{record.clip}: {len(motion)} motion frames, mfcc of shape {mfcc.shape}: "
            "both need one row per frame"
        )
    halves = {
        name: fill_gaps(x, motion.valid).astype(np.float16)
        for name, x in (("beta", motion.beta), ("pose", motion.pose))
    }
    prosody = record.prosody
    if prosody is None:
        prosody = np.tile(np.asarray(SILENT, np.float32), (len(motion), 1))
    if prosody.shape != (len(motion), len(PROSODY)):
        raise ElpError(
            f"{record.clip}: {len(motion)} motion frames, prosody of shape {prosody.shape}: "
            "both need one row per frame"
        )
    halves |= {"mfcc": mfcc.astype(np.float16), "prosody": prosody.astype(np.float16)}
    for name, half in halves.items():
        if not np.isfinite(half).all():
            raise ElpError(
                f"{record.clip}: {name} holds NaN, infinity or values beyond 65504: "
                "extract the clip again"
            )
    return halves | {"blink": motion.blink, "valid": motion.valid}
