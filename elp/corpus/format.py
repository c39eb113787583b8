"""The corpus on disk, the only thing that training and evaluation read (chapter "Simulated dyads").

A corpus is a folder::

    card.json      what it is, where it comes from, how it was made, dimensions, statistics,
                   checksums
    index.parquet  one row per person and clip: clip, person, partner, role, emotion, split,
                   offset, length, source
    beta.npy (F, D), pose.npy (F, 6), mfcc.npy (F, 29) float16; blink.npy (F,) uint8;
    valid.npy (F,) bool
    prosody.npy    (F, 8) float16, where every voice's is known (else the card's "prosody" is 0)

All frames of all rows lie behind one another at 25 fps; a row owns the frames [offset, offset +
length). The arrays are memory-mapped: opening a corpus of any size takes no memory.
Half precision keeps 72 hours of two people below 4 GB; its rounding (2^-11 of the value) is a tenth
of the tracking noise or less. Whatever is read comes back as float32.
"""

# F frame of the corpus, B clip, T frame of a clip, D expression coefficient
from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from elp.corpus import check
from elp.corpus.writer import Record, write_corpus
from elp.errors import ElpError
from elp.motion import Clip, Floats, Motion
from elp.records import sha256


class Moments(NamedTuple):
    """Mean and standard deviation per coefficient, each (D,) float32.

    The deviation is at least 1e-3.
    """

    mean: Floats
    std: Floats


@dataclass(frozen=True, eq=False)
class Corpus:
    """A corpus opened for reading.

    Make one with `Corpus.open`, `Corpus.write` or `elp.simulator.dyads` (chapter "Simulated
    dyads").

    Attributes:
        folder: where it lies.
        card: contents of card.json; `card["emotions"]` names the emotions in the order of their
            integers.
        index: one row per person and clip.
        beta, pose, mfcc: (F, D), (F, 6), (F, 29) float16 memory maps.
        blink, valid: (F,) uint8 and bool memory maps.
        prosody: (F, 8) float16 memory map, columns `elp.motion.PROSODY`; None where it is not known
            of every voice (corpora of format 1, and those that ship spectra instead of sound).
    """

    folder: Path
    card: dict[str, Any]
    index: pd.DataFrame
    beta: NDArray[np.float16]
    pose: NDArray[np.float16]
    blink: NDArray[np.uint8]
    valid: NDArray[np.bool_]
    mfcc: NDArray[np.float16]
    prosody: NDArray[np.float16] | None = None

    @classmethod
    def open(cls, folder: str | Path) -> Corpus:
        """Open a corpus for reading; no array is loaded.

        Raises:
            ElpError: a file is missing, unreadable or no regular one, a later version wrote it, or
                card, index and arrays lack something, disagree, or hold what is no motion
                (`elp.corpus.check`).
        """
        folder = Path(folder)
        if not (folder / "card.json").exists():
            raise ElpError(
                f"{folder}: not a corpus (no card.json): "
                "make one with 'elp corpus simulate' or 'elp corpus import'"
            )
        card = check.read_card(folder)
        arrays = check.read_arrays(folder, card)
        index = check.read_index(folder, card, arrays)
        return cls(folder, card, index, **arrays)

    @staticmethod
    def write(
        dest: str | Path,
        records: Iterable[Record],
        card: dict[str, Any],
        finish: Callable[[pd.DataFrame], pd.DataFrame] | None = None,
    ) -> Corpus:
        """Write a corpus from a stream of records, whole or not at all, and open it.

        Args:
            dest: folder to make; must not exist yet.
            records: any length; one at a time is held in memory. All share one number of expression
                coefficients.
            card: name, emotions (list of names), source, licence, made (how), units ("mixed" where
                coefficients cannot be compared, see `units`), and what else is worth knowing;
                dimensions, statistics of the training split and checksums are added.
            finish: last change to the index, once all records are known (labels that need them
                all).

        Raises:
            ElpError: `dest` exists, no record came, dimensions differ, or the disk is full.
        """
        write_corpus(Path(dest), records, card, finish)
        return Corpus.open(dest)

    def __len__(self) -> int:
        return len(self.index)

    @property
    def emotions(self) -> list[str]:
        """Names of the emotions; a pair's integer `emotion` indexes this list."""
        return list(self.card["emotions"])

    @cached_property
    def stats(self) -> dict[str, Moments]:
        """Moments of "beta", "pose" (all people) and "mfcc" (those who may speak), from valid
        frames of the training split only.
        """
        return {
            name: Moments(*(np.asarray(x, np.float32) for x in self.card["stats"][name]))
            for name in ("beta", "pose", "mfcc")
        }

    @cached_property
    def units(self) -> NDArray[np.float32]:
        """(D,) what errors and distances of β are measured in.

        That is 1, or each coefficient's standard deviation where units are
        "mixed". Coefficients of a face model share a unit, in which the large
        movements count for more. A corpus whose card says "mixed" lays things
        side by side that cannot be compared, such as action units and a
        logarithm of body motion.
        """
        deviation = self.stats["beta"].std
        mixed = self.card.get("units") == "mixed"
        return deviation if mixed else np.ones_like(deviation)

    def pairs(self, split: str | None = None) -> pd.DataFrame:
        """Every (speaker, listener) that the corpus holds, in the index's order.

        Args:
            split: "train", "val", "test", or None for all.

        Returns:
            Columns clip, speaker, listener (persons), speaker_offset, listener_offset, length
                (frames both have), emotion (the
            listener's, integer, -1 unknown), split. A clip in which both people may speak and
                listen (role "both") gives two rows.

        Raises:
            ElpError: unknown split, or no pair in it.
        """
        index = self.index.assign(row=np.arange(len(self.index)))
        if split is not None:
            if split not in set(index["split"]):
                known = ", ".join(sorted(set(index["split"]))) or "none"
                raise ElpError(f"{self.folder}: no split {split!r} in this corpus, it has: {known}")
            index = index[index["split"] == split]
        speakers, listeners = (
            index[index["role"].isin([role, "both"])] for role in ("speaker", "listener")
        )
        both = speakers.merge(listeners, on="clip", suffixes=("_s", "_l"))
        both = (
            both[both["row_s"] != both["row_l"]]
            .sort_values(["row_l", "row_s"])
            .reset_index(drop=True)
        )
        if both.empty:
            raise ElpError(
                f"{self.folder}: no clip here has both a speaker and a listener"
                + (f" in split {split!r}" if split else "")
            )
        number = {name: k for k, name in enumerate(self.emotions)}
        return pd.DataFrame(
            {
                "clip": both["clip"],
                "speaker": both["person_s"],
                "listener": both["person_l"],
                "speaker_offset": both["offset_s"].astype("int64"),
                "listener_offset": both["offset_l"].astype("int64"),
                "length": both[["length_s", "length_l"]].min(axis=1).astype("int64"),
                "emotion": both["emotion_l"].map(lambda name: number.get(name, -1)).astype("int64"),
                "split": both["split_l"],
            }
        )

    def motion(self, offset: int, length: int) -> Motion:
        """`length` frames of β, pose and blinks from corpus frame `offset` on."""
        cut = slice(int(offset), int(offset) + int(length))
        beta, pose = (np.asarray(x[cut], np.float32) for x in (self.beta, self.pose))
        return Motion(beta=beta, pose=pose, blink=self.blink[cut], valid=self.valid[cut])

    def speaker(self, pair: Any) -> Clip:
        """The speaker of a row of `pairs` (any object with its columns as attributes).

        Motion and sound.
        """
        offset, length = int(pair.speaker_offset), int(pair.length)
        cut = slice(offset, offset + length)
        return Clip(
            motion=self.motion(offset, length),
            mfcc=np.asarray(self.mfcc[cut], np.float32),
            prosody=None if self.prosody is None else np.asarray(self.prosody[cut], np.float32),
            source=str(pair.clip),
        )

    def listener(self, pair: Any) -> Motion:
        """What the listener of a row of `pairs` really did."""
        return self.motion(pair.listener_offset, pair.length)

    def verify(self) -> None:
        """Compare every file with its checksum on the card.

        Raises ElpError naming the first that differs.
        """
        for name in sorted(check.files(self.card)):
            if sha256(self.folder / name) != self.card["sha256"][name]:
                raise ElpError(
                    f"{self.folder / name}: checksum differs from the card: "
                    "the file was changed, make the corpus again"
                )
