"""Damaged corpora: one kind of damage after the other, drawn by seed."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

Random = random.Random
VALUES: list[Any] = [
    None, True, -1, 0, 0.5, 10**12, 1e300, float("nan"), "", "x", "../x", [], [[]], ["a", "a"],
    [None], {}, {"beta": 1}, {"../../x": "0" * 64}, {"/dev/zero": "0" * 64},
]  # fmt: skip
SHAPES = [(), (0,), (3,), (3, 0), (0, 7), (10**9, 7), (2**62, 100), (7, 3, 2)]
TYPES = ["<f4", "<f8", ">f2", "<c8", "<M8[s]", "<i8", "|S3", "<U5", "|b1", "|u1"]


def damaged(folder: Path, seed: int) -> str:
    """Damage a corpus's folder in one way, and say how."""
    draw = random.Random(seed)
    kind = draw.choice(KINDS)
    return f"{kind.__name__}: {kind(folder, draw)}"


def some_file(folder: Path, draw: Random) -> Path:
    return draw.choice(sorted(folder.iterdir()))


def cut(folder: Path, draw: Random) -> str:
    path = some_file(folder, draw)
    data = path.read_bytes()
    keep = draw.choice([0, 1, 6, 10, 100, len(data) // 2, len(data) - 1])
    path.write_bytes(data[:keep])
    return f"{path.name} to {keep} bytes"


def flipped_header(folder: Path, draw: Random) -> str:
    """A byte of an array's header, of the card or of the table changed."""
    path = some_file(folder, draw)
    data = bytearray(path.read_bytes())
    place = draw.randrange(min(len(data), 100) if path.suffix == ".npy" else len(data))
    data[place] ^= 1 << draw.randrange(8)
    path.write_bytes(bytes(data))
    return f"{path.name} at {place}"


def other_content(folder: Path, draw: Random) -> str:
    path, word = (
        some_file(folder, draw),
        draw.choice([b"", b"hello", b"[]", b"\xff" * 99, b"{" * 9**5]),
    )
    path.write_bytes(word)
    return f"{path.name} {word[:5]!r}"


def gone(folder: Path, draw: Random) -> str:
    path = some_file(folder, draw)
    path.unlink()
    return path.name


def no_file(folder: Path, draw: Random) -> str:
    """A pipe, folder, device or loop where a file should be."""
    path = some_file(folder, draw)
    path.unlink()
    what = draw.choice(["pipe", "folder", "device", "loop", "nowhere"])
    if what == "pipe":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    else:
        path.symlink_to({"device": "/dev/zero", "loop": path, "nowhere": "nowhere"}[what])
    return f"{path.name} {what}"


def card_without(folder: Path, draw: Random) -> str:
    card = json.loads((folder / "card.json").read_text())
    key = draw.choice(["emotions", "fps", "beta", "pose", "mfcc", "stats", "sha256"])
    del card[key]
    (folder / "card.json").write_text(json.dumps(card))
    return key


def card_value(folder: Path, draw: Random) -> str:
    """Something else under a name of the card, or one level below."""
    card = json.loads((folder / "card.json").read_text())
    key = draw.choice(
        ["emotions", "fps", "beta", "pose", "mfcc", "stats", "sha256", "format", "skipped"]
    )
    value = draw.choice(VALUES)
    if isinstance(card.get(key), dict) and draw.random() < 0.5:
        card[key][draw.choice(sorted(card[key]))] = value
    elif key == "skipped" and value == []:
        value = "x"
    else:
        card[key] = value
    (folder / "card.json").write_text(json.dumps(card))
    return f"{key} {value!r}"


def sums_elsewhere(folder: Path, draw: Random) -> str:
    card = json.loads((folder / "card.json").read_text())
    name = draw.choice(["../x", "/dev/zero", "/etc/passwd", "a/b", ".", "beta.npy\0"])
    card["sha256"][name] = "0" * 64
    (folder / "card.json").write_text(json.dumps(card))
    return name


def array_type(folder: Path, draw: Random) -> str:
    name, kind = draw.choice(["beta", "pose", "mfcc", "blink", "valid"]), draw.choice(TYPES)
    old = np.load(folder / f"{name}.npy")
    if np.dtype(kind) == old.dtype:
        kind = "<f4"
    np.save(folder / f"{name}.npy", np.zeros(old.shape, kind))
    return f"{name} {kind}"


def array_shape(folder: Path, draw: Random) -> str:
    name, shape = draw.choice(["beta", "pose", "mfcc", "blink", "valid"]), draw.choice(SHAPES)
    dtype = np.load(folder / f"{name}.npy").dtype
    with (folder / f"{name}.npy").open("wb") as file:
        header = {"descr": dtype.str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        file.write(bytes(min(10**4, int(np.prod(shape, dtype=float)) * dtype.itemsize)))
    return f"{name} {shape}"


def by_columns(folder: Path, draw: Random) -> str:
    name = draw.choice(["beta", "pose", "mfcc"])
    np.save(folder / f"{name}.npy", np.asfortranarray(np.load(folder / f"{name}.npy")))
    return name


def flags(folder: Path, draw: Random) -> str:
    name, value = draw.choice([("blink", 2), ("blink", 255), ("valid", 0)])
    old = np.load(folder / f"{name}.npy")
    np.save(folder / f"{name}.npy", np.full(old.shape, value, old.dtype))
    return f"{name} {value}"


def no_column(folder: Path, draw: Random) -> str:
    table = pd.read_parquet(folder / "index.parquet")
    name = draw.choice(sorted(table.columns))
    table.drop(columns=name).to_parquet(folder / "index.parquet")
    return name


def column_value(folder: Path, draw: Random) -> str:
    table = pd.read_parquet(folder / "index.parquet")
    name = draw.choice(["role", "emotion", "offset", "length", "clip", "split"])
    value = draw.choice([None, -1, 10**15, 0.5, float("nan"), b"x", [1]])
    table[name] = pd.Series([value] * len(table))
    table.to_parquet(folder / "index.parquet")
    return f"{name} {value!r}"


def rows(folder: Path, draw: Random) -> str:
    table, how = (
        pd.read_parquet(folder / "index.parquet"),
        draw.choice(["none", "one", "twice", "turned"]),
    )
    changed = {"none": table[:0], "one": table[:1], "turned": table[::-1]}
    changed.get(how, pd.concat([table, table])).to_parquet(folder / "index.parquet")
    return how


def not_finite(folder: Path, draw: Random) -> str:
    path = folder / f"{draw.choice(['beta', 'pose', 'mfcc'])}.npy"
    array, value = np.load(path), draw.choice([np.nan, np.inf, -np.inf])
    array[draw.randrange(len(array)), draw.randrange(array.shape[1])] = value
    np.save(path, array)
    return f"{path.name} {value}"


Damage = Callable[[Path, Random], str]
KINDS: list[Damage] = [
    cut, flipped_header, other_content, gone, no_file, card_without, card_value, sums_elsewhere,
    array_type, array_shape, by_columns, flags, no_column, column_value, rows,
    not_finite,
]  # fmt: skip
