"""Hostile inputs of every format that is read."""

from __future__ import annotations

import io
import json
import os
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.hostile.arena import Case
from tests.hostile.bases import Bases
from tests.hostile.damage import damaged, no_files, written

ODD: tuple[Any, ...] = (None, -1, 0, 1e300, "x", [], {}, True, 10**12, float("nan"))  # JSON values


def images(bases: Bases) -> Iterator[Case]:
    """Portraits."""

    def words(path: Path) -> list[object]:
        return ["respond", bases.clip, "--portrait", path, "-o", "out.mp4"]

    for path, count in zip(bases.portraits.values(), (36, 36, 12), strict=True):
        yield from damaged(path, words, count)
    yield from no_files("portrait.jpg", words)
    for width, height, colour, bits in (
        (50_000, 50_000, 0, 1),
        (32_000, 32_000, 0, 1),
        (20_000, 20_000, 6, 8),
        (2**31 - 1, 1, 2, 8),
        (1, 60_000, 2, 8),
        (0, 0, 2, 8),
        (600, 600, 2, 16),
    ):
        data = png(width, height, colour, bits)
        yield Case(name=f"{width} x {height}.png", make=written("bomb.png", data, words))


def png(width: int, height: int, colour: int, bits: int) -> bytes:
    """A PNG of zeros, of which large ones hold the first thousand rows only."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    channels = {0: 1, 2: 3, 6: 4}[colour]
    row = bytes(min(width * bits * channels // 8 + 2, 1 << 20))
    packed = zlib.compress(row * min(height, 1000), 9)
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", packed), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def films(bases: Bases) -> Iterator[Case]:
    """Videos and sounds."""

    def words(path: Path) -> list[object]:
        return ["extract", path, "-o", "out.npz"]

    for kind, count in (("mp4", 36), ("webm", 18), ("mkv", 12), ("avi", 18), ("wav", 6)):
        yield from damaged(bases.films[kind], words, count)
    yield from no_files("film.mp4", words)
    data = bases.films["mp4"].read_bytes()
    numbers = (0, 1, 25, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
    places = {"mdhd": (20, 24), "mvhd": (20, 24), "stts": (12, 16, 20), "stsz": (12, 16)}
    for box, offsets in places.items():
        at = data.find(box.encode()) - 4
        for offset in offsets:
            for number in numbers:
                broken = data[: at + offset] + struct.pack(">I", number) + data[at + offset + 4 :]
                name = f"{box} + {offset} = {number}.mp4"
                yield Case(name=name, make=written("film.mp4", broken, words))
    for name, text in (
        ("playlist.mp4", "#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"),
        ("concat.mp4", "ffconcat version 1.0\nfile '/etc/passwd'\n"),
    ):
        yield Case(name=name, make=written(name, text.encode(), words))


def arrays(bases: Bases) -> Iterator[Case]:
    """Clips: .npz."""

    def words(path: Path) -> list[object]:
        return ["respond", path, "--params", "out.npz"]

    yield from damaged(bases.clip, words, 30)
    yield from no_files("clip.npz", words)
    with np.load(bases.clip) as file:
        base = dict(file)
    frames = len(base["beta"])
    evil: dict[str, list[Any]] = {
        "beta": [
            np.zeros((frames, 7)),
            np.zeros((0, 100)),
            np.float32(3),
            np.full((frames, 100), "x"),
            np.full((frames, 100), 1j),
            np.zeros((frames, 100), "M8[s]"),
            np.full((frames, 100), 1e300),
            np.full((frames, 100), np.nan),
            np.zeros((frames, 100, 2)),
            np.zeros(frames, [("a", "f4")]),
        ],
        "pose": [np.zeros((frames, 5)), np.full((frames, 6), np.inf), np.full((frames, 6), 3e38)],
        "blink": [np.full(frames, x) for x in (-1, 256, 0.5, np.nan, "x")] + [np.zeros(3)],
        "valid": [
            np.full(frames, "x"),
            np.ones(3, bool),
            np.zeros(frames, bool),
            np.full(frames, 7),
        ],
        "mfcc": [np.full((frames, 29), x) for x in (np.inf, 3e38, "a")] + [np.zeros((frames, 13))],
        "prosody": [
            np.zeros((frames, 7)),
            np.full((frames, 8), np.nan),
            np.full((frames, 8), 1e30),
        ],
        "fps": [np.float64(x) for x in (0, -25, np.nan, 1e300)] + ["abc", "25", np.zeros(3)],
        "focal": ["abc", np.zeros(3), np.nan],
        "size": ["ab", np.int64(3), np.array([np.nan, np.inf]), np.zeros((2, 2))],
        "source": ["a\0b/../../etc/passwd", np.zeros((3, 3)), "x" * 100_000],
    }
    for key, values in evil.items():
        for k, value in enumerate([None, *values]):
            changed = {n: x for n, x in {**base, key: value}.items() if x is not None}
            out = io.BytesIO()
            np.savez_compressed(out, **changed)
            make = written("clip.npz", out.getvalue(), words)
            yield Case(name=f"{key} {k}.npz", make=make)
    for name, shape in {
        "terabytes": (10**10, 100),
        "overflow": (2**62, 100),
        "negative": (-5, 100),
        "gigabytes": (13 * 10**6, 100),
    }.items():
        data = zipped(base, "beta", header(shape) + bytes(1000))
        yield Case(name=f"{name}.npz", make=written("clip.npz", data, words))
    bomb = header((7_500_000, 100)) + bytes(300_000_000)
    yield Case(name="deflated.npz", make=written("clip.npz", zipped(base, "beta", bomb), words))


def header(shape: tuple[int, ...]) -> bytes:
    """That of a .npy file of float32."""
    out = io.BytesIO()
    described = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(out, described)
    return out.getvalue()


def zipped(base: dict[str, Any], key: str, content: bytes) -> bytes:
    """An .npz in which one array's file holds `content`."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, array in base.items():
            inner = io.BytesIO()
            np.lib.format.write_array(inner, np.asarray(array), allow_pickle=False)
            file.writestr(f"{name}.npy", content if name == key else inner.getvalue())
    return out.getvalue()


def checkpoints(bases: Bases) -> Iterator[Case]:
    """Models: .safetensors."""

    def words(path: Path) -> list[object]:
        return ["respond", bases.clip, "--params", "out.npz", "--checkpoint", path]

    yield from damaged(bases.model, words, 24)
    yield from no_files("model.safetensors", words)
    data = bases.model.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    head, body = json.loads(data[8 : 8 + length]), data[8 + length :]

    def case(name: str, changed: dict[str, Any] | bytes, size: int | None = None) -> Case:
        text = changed if isinstance(changed, bytes) else json.dumps(changed).encode()
        whole = struct.pack("<Q", len(text) if size is None else size) + text + body
        return Case(name=f"{name}.safetensors", make=written("model.safetensors", whole, words))

    for size in (2**63, 10**12, 99_000_000, 0):
        yield case(f"header of {size}", head, size)
    for name, text in (("no JSON", b"{{{{"), ("deep", b'{"a":' * 20_000 + b"1" + b"}" * 20_000)):
        yield case(name, text)
    first = next(key for key in head if key != "__metadata__")
    tensors = {
        "shape": ([10**9, 10**9], [-1]),
        "dtype": ("F8_X", 3),
        "data_offsets": ([0, 10**15],),
    }
    for field, values in tensors.items():
        for value in values:
            yield case(f"{field} {value}", {**head, first: {**head[first], field: value}})
    told = head["__metadata__"]
    config = json.loads(told["config"])
    for text in ("{{{", "[1,2]", "null", '"abc"', "[" * 100_000 + "]" * 100_000):
        yield case(f"config {text[:9]}", {**head, "__metadata__": {**told, "config": text}})
    for key, value in config.items():
        huge = 10**9 if isinstance(value, int) and not isinstance(value, bool) else "x" * 10
        for odd in (huge, (-1, "abc", None)[len(key) % 3]):
            text = json.dumps({**config, key: odd})
            yield case(f"{key} = {odd}", {**head, "__metadata__": {**told, "config": text}})


def corpora(bases: Bases) -> Iterator[Case]:
    """Folders of corpora."""

    def case(name: str, change: Callable[[Path], object], command: str = "train") -> Case:
        def make(folder: Path) -> list[object]:
            shutil.copytree(bases.corpus, folder / "c")
            change(folder / "c")
            tail = ["--corpus", "c", "--out", "run", "--steps", "1", "--device", "cpu"]
            return ["train", "tiny", *tail] if command == "train" else ["corpus", "verify", "c"]

        return Case(name=f"{name} ({command})", make=make)

    files = sorted(path.name for path in bases.corpus.iterdir())
    for name in files:
        data = (bases.corpus / name).read_bytes()
        for how, content in {
            "missing": None,
            "empty": b"",
            "half": data[: len(data) // 2],
            "noise": os.urandom(1000),
        }.items():
            for command in ("train", "verify"):
                yield case(f"{name} {how}", _replaced(name, content), command)
        yield case(f"{name} a pipe", _piped(name))
        yield case(f"{name} endless", _linked(name, "/dev/zero"))
    card = json.loads((bases.corpus / "card.json").read_text())
    for key in card:
        without = {k: v for k, v in card.items() if k != key}
        yield case(f"card without {key}", _card(without))
        for odd in ODD[len(key) % 3 :: 3]:
            if odd != card[key]:
                yield case(f"card {key} = {odd}", _card({**card, key: odd}))
    for name in ("../../x", "/etc/passwd", "/dev/zero", "a\0b"):
        yield case(f"sha256 of {name}", _card({**card, "sha256": {name: "0" * 64}}), "verify")
    shape = np.load(bases.corpus / "beta.npy").shape
    for k, array in enumerate(
        (
            np.zeros(shape, np.float64),
            np.zeros(shape, complex),
            np.zeros(shape, "M8[s]"),
            np.zeros(shape, "U1"),
            np.zeros((shape[0], 7), np.float16),
            np.full(shape, np.nan, np.float16),
            np.asfortranarray(np.load(bases.corpus / "beta.npy")),
        )
    ):
        yield case(f"beta {k}", _array("beta", array))
    for k, array in enumerate((np.full(shape[0], 255, np.uint8), np.full(shape[0], 0.5))):
        yield case(f"blink {k}", _array("blink", array))
    yield case("nobody seen", _array("valid", np.zeros(shape[0], bool)))


def _replaced(name: str, content: bytes | None) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        if content is not None:
            (folder / name).write_bytes(content)

    return change


def _piped(name: str) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return change


def _linked(name: str, target: str) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).symlink_to(target)

    return change


def _card(card: dict[str, Any]) -> Callable[[Path], object]:
    return lambda folder: (folder / "card.json").write_text(json.dumps(card))


def _array(name: str, array: Any) -> Callable[[Path], object]:
    return lambda folder: np.save(folder / f"{name}.npy", array)


def tables(bases: Bases) -> Iterator[Case]:
    """Tables of pairs: .csv."""

    def words(path: Path) -> list[object]:
        return ["corpus", "build", path, "-o", "out", "--workers", "1"]

    good = b"speaker,listener,emotion\nnone.mp4,never.mp4,neutral\n"
    yield from no_files("pairs.csv", words)
    for k, text in enumerate(
        (
            b"speaker\nnone.mp4\n",
            b"speaker,listener\n",
            good * 1000,
            good + b'"',
            good + b"\0,\0,\0\n",
            good + b"a" * 300 + b".mp4,b.mp4,neutral\n",
            good + b"\xff\xfe.mp4,b.mp4,neutral\n",
            b"\xff\xfe" + good.decode().encode("utf-16-le"),
            b"\xef\xbb\xbf" + good,
            good.replace(b",", b";"),
            good.replace(b"\n", b"\r"),
            b",".join(b"c%d" % n for n in range(20_000)) + b"\n",
            b"speaker,listener," + b"x" * 1_000_000 + b"\na,b,c\n",
            b"speaker,speaker,listener,listener\na,b,c,d\n",
            b"speaker,listener\n../../etc/passwd,/dev/zero\n",
            b"speaker,listener\n" + b'"' * 9999 + b"\n",
            b"speaker,listener\n,\n",
            b"speaker,listener,split\na,b,nonsense\n",
        )
    ):
        yield Case(name=f"pairs {k}.csv", make=written("pairs.csv", text, words))
    for k in range(12):
        rng, text = np.random.default_rng(k), bytearray(good * 3)
        for at in rng.integers(0, len(text), 5):
            text[at] = rng.integers(0, 256)
        yield Case(name=f"damaged {k}.csv", make=written("pairs.csv", bytes(text), words))
