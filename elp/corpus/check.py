"""What a folder must hold to be a corpus: checked once, when it is opened (`elp.corpus.format`)."""

# F frame of the corpus, D expression coefficient
from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from elp import bounded
from elp.corpus.writer import COLUMNS, FORMAT, ROLES
from elp.errors import ElpError
from elp.motion import FPS, MFCC, POSE, PROSODY

Arrays = dict[str, NDArray[Any]]
HALVES = ("beta", "pose", "mfcc", "prosody")  # stored as float16
INFINITY = 0x7C00  # its bits in float16, the sign aside; NaN has more
CHUNK = 2**14  # frames checked at once
WIDEST = 2**16  # coefficients of a face
# bytes that the index may unpack to, and how many times its size
SMALL, UNPACKED = 64 * bounded.MIB, 64


class Misfit(Exception):
    """What is wrong with a corpus."""


def need(right: object, wrong: str) -> None:
    """Raise `Misfit(wrong)` unless right."""
    if not right:
        raise Misfit(wrong)


@contextmanager
def told(folder: Path) -> Iterator[None]:
    """Turn a misfit, and what a decoder raises at damaged bytes, into one sentence."""
    try:
        yield
    except ElpError:
        raise
    except Exception as error:
        detail = " ".join(str(error).split())[:200]
        raise ElpError(f"{folder}: this corpus is damaged ({detail}): make it again") from error


def read_card(folder: Path) -> dict[str, Any]:
    """card.json, all that is read of it later present and of its type."""
    with told(folder):
        card = json.loads(bounded.text(folder / "card.json"))
        need(isinstance(card, dict), "card.json holds no names and values")
        made_by = card.get("format", 1)
        need(_whole(made_by) and made_by > 0, f"card.json: format {made_by!r}")
        if made_by > FORMAT:
            raise ElpError(
                f"{folder}: a corpus of format {made_by}, this version reads {FORMAT}: "
                "install a later version"
            )
        for name, fits, expected in ENTRIES:
            need(name in card, f"card.json: no {name!r} in it")
            need(fits(card[name]), f"card.json: {name!r} must be {expected}")
        need(
            card.get("prosody", 0) in (0, len(PROSODY)),
            f"card.json: 'prosody' is not {len(PROSODY)}",
        )
        stats, widths = card["stats"], {"beta": card["beta"], "pose": POSE, "mfcc": MFCC}
        for name, width in widths.items():
            need(_moments(stats.get(name), width), f"card.json: 'stats' of {name} are no moments")
        own, known = files(card), files(card | {"prosody": len(PROSODY)})
        fits = own <= card["sha256"].keys() <= known
        need(fits, f"card.json: 'sha256' must name {', '.join(sorted(own))}")
        skipped = card.get("skipped", [])
        need(isinstance(skipped, list), "card.json: 'skipped' is no list")
        need(
            all(isinstance(r, dict) and {"row", "reason"} <= r.keys() for r in skipped),
            "card.json: 'skipped' names no rows and reasons",
        )
    return card


def names(card: dict[str, Any]) -> list[str]:
    """The arrays that belong to a card."""
    return ["beta", "pose", "blink", "valid", "mfcc"] + ["prosody"] * bool(card.get("prosody"))


def files(card: dict[str, Any]) -> set[str]:
    """The files that belong to a card, itself aside."""
    return {"index.parquet", *(f"{name}.npy" for name in names(card))}


def read_arrays(folder: Path, card: dict[str, Any]) -> Arrays:
    """The arrays as memory maps, their types, shapes and flags checked."""
    widths: dict[str, tuple[int, ...]] = {
        "beta": (card["beta"],),
        "pose": (POSE,),
        "mfcc": (MFCC,),
        "prosody": (len(PROSODY),),
    }
    kinds = {"blink": np.uint8, "valid": np.bool_}
    found: Arrays = {}
    with told(folder):
        for name in names(card):
            array = found[name] = bounded.mapped(folder / f"{name}.npy")
            kind = np.dtype(kinds.get(name, np.float16))
            need(array.dtype == kind, f"{name}.npy holds {array.dtype}, expected {kind}")
            frames = array.shape[0] if array.ndim else 0
            shape = (frames, *widths.get(name, ()))
            need(array.shape == shape, f"{name}.npy has shape {array.shape}, expected {shape}")
            need(frames, f"{name}.npy holds no frame")
        for name in ("blink", "valid"):
            need(
                found[name].view(np.uint8).max() <= 1,
                f"{name}.npy holds something else than 0 and 1",
            )
        need(found["valid"].any(), "no frame in it is valid")
        for name in set(HALVES) & found.keys():
            _finite(name, found[name])
    return found


def _finite(name: str, array: NDArray[np.float16]) -> None:
    """Every number is read once, as bits: a gigabyte in half a second, where the disk allows it."""
    for first in range(0, len(array), CHUNK):
        bits = array[first : first + CHUNK].view(np.uint16) & 0x7FFF
        if bits.max() >= INFINITY:
            frame = first + int((bits >= INFINITY).any(1).argmax())
            raise Misfit(f"{name}.npy holds NaN or infinity in frame {frame}")


def read_index(folder: Path, card: dict[str, Any], arrays: Arrays) -> pd.DataFrame:
    """index.parquet, its rows in the order of the frames, which they share out."""
    frames = len(arrays["beta"])
    with told(folder):
        index = _parquet(folder / "index.parquet", frames)
        for name in COLUMNS:
            need(name in index.columns, f"index.parquet: no column {name!r}")
        need(len(index), "index.parquet has no rows")
        for name in ("offset", "length"):
            need(index[name].dtype.kind in "iu", f"index.parquet: {name} holds no whole numbers")
        for name in set(COLUMNS) - {"offset", "length"}:
            need(
                all(isinstance(x, str) for x in index[name]), f"index.parquet: {name} holds no text"
            )
        need(index["role"].isin(ROLES).all(), "index.parquet: a role that nobody can have")
        emotions = ["", *card["emotions"]]
        need(index["emotion"].isin(emotions).all(), "index.parquet: an emotion that the card lacks")
        lengths = index["length"].to_numpy(np.int64)
        need(
            (lengths >= 0).all() and (lengths <= frames).all(),
            "index.parquet: a length that is none",
        )
        total = int(lengths.sum())
        for name, array in arrays.items():
            if len(array) != total:
                raise ElpError(
                    f"{folder}: {name}.npy has {len(array)} frames, the index {total}: "
                    "make the corpus again"
                )
        starts = np.cumsum(lengths) - lengths
        need((index["offset"].to_numpy() == starts).all(), "index.parquet: rows that share frames")
    return index


def _parquet(path: Path, frames: int) -> pd.DataFrame:
    """A table of at most so many rows, sized before it is read."""
    from pyarrow import parquet

    with bounded.regular(path) as file:
        table = parquet.ParquetFile(file)
        about = table.metadata
        groups = [about.row_group(n) for n in range(about.num_row_groups)]
        size = sum(group.total_byte_size for group in groups)
        most = max(SMALL, UNPACKED * path.stat().st_size)
        need(about.num_rows <= frames and size <= most, "index.parquet promises more than it holds")
        return table.read().to_pandas()


def _whole(x: object) -> bool:
    return isinstance(x, int) and not isinstance(x, bool)


def _emotions(x: Any) -> bool:
    if not isinstance(x, list) or not all(isinstance(name, str) and name for name in x):
        return False
    return 0 < len(set(x)) == len(x)


def _moments(x: Any, width: int) -> bool:
    """Whether x is a mean and a positive deviation of so many coefficients."""
    if not isinstance(x, list) or len(x) != 2:
        return False
    if not all(isinstance(row, list) and len(row) == width for row in x):
        return False
    return all(map(_number, [*x[0], *x[1]])) and min(x[1]) > 0


def _number(x: object) -> bool:
    return isinstance(x, int | float) and not isinstance(x, bool) and math.isfinite(x)


def _sums(x: object) -> bool:
    return isinstance(x, dict) and all(isinstance(s, str) and len(s) == 64 for s in x.values())


Fits = Callable[[Any], bool]
# entries of the card that are read later; what they must be, and how that is said
ENTRIES: tuple[tuple[str, Fits, str], ...] = (
    ("emotions", _emotions, "a list of different names"),
    ("fps", lambda x: x == FPS, f"{FPS:g}"),
    ("beta", lambda x: _whole(x) and 0 < x <= WIDEST, "a number of coefficients"),
    ("pose", lambda x: x == POSE, str(POSE)),
    ("mfcc", lambda x: x == MFCC, str(MFCC)),
    ("stats", lambda x: isinstance(x, dict), "moments by name"),
    ("sha256", _sums, "checksums by name"),
)
