"""Ways to damage bytes that every format must survive, drawn by seed."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.hostile.arena import Case

Words = Callable[[Path], list[object]]  # the command that reads a file of that name


def flipped(data: bytes, rng: random.Random) -> bytes:
    """A few bytes changed."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 4, 32, 256))):
        out[rng.randrange(len(out))] = rng.randrange(256)
    return bytes(out)


def headed(data: bytes, rng: random.Random) -> bytes:
    """Bytes of the beginning, where headers lie, changed to those that sizes overflow at."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 2, 6))):
        at = rng.randrange(min(400, len(out)))
        for k in range(at, min(at + rng.choice((1, 2, 4)), len(out))):
            out[k] = rng.choice((0, 0x7F, 0x80, 0xFF))
    return bytes(out)


def cut(data: bytes, rng: random.Random) -> bytes:
    """The end missing."""
    return data[: rng.randrange(len(data))]


def holed(data: bytes, rng: random.Random) -> bytes:
    """A piece missing from the middle."""
    first, last = sorted(rng.sample(range(len(data)), 2))
    return data[:first] + data[last:]


def doubled(data: bytes, rng: random.Random) -> bytes:
    """A piece there twice."""
    first, last = sorted(rng.sample(range(len(data)), 2))
    return data[:last] + data[first:]


def zeroed(data: bytes, rng: random.Random) -> bytes:
    """A piece of zeros, as a disk leaves after a crash."""
    first, last = sorted(rng.sample(range(len(data)), 2))
    return data[:first] + bytes(last - first) + data[last:]


def random_bytes(data: bytes, rng: random.Random) -> bytes:
    """Nothing but noise of that length."""
    return rng.randbytes(min(len(data), 20_000))


WAYS = (flipped, headed, cut, holed, doubled, zeroed)


def damaged(base: Path, words: Words, count: int, seed: int = 0) -> Iterator[Case]:
    """A sound file, damaged in `count` ways."""
    data = base.read_bytes()
    for k in range(count):
        way = WAYS[k % len(WAYS)] if k < count - 1 else random_bytes
        broken = way(data, random.Random(f"{base.name} {seed} {k}"))
        yield Case(name=f"{base.name}: {way.__name__} {k}", make=written(base.name, broken, words))


def written(name: str, data: bytes, words: Words) -> Callable[[Path], list[object]]:
    """What puts a file into a folder and then says `words` of it."""

    def make(folder: Path) -> list[object]:
        (folder / name).write_bytes(data)
        return words(Path(name))

    return make


def no_files(name: str, words: Words) -> Iterator[Case]:
    """What is no regular file, under the name of one."""

    def made(how: Callable[[Path], object]) -> Callable[[Path], list[object]]:
        def make(folder: Path) -> list[object]:
            how(folder / name)
            return words(Path(name))

        return make

    yield Case(name=f"{name}: missing", make=made(lambda path: None))
    yield Case(name=f"{name}: empty", make=made(lambda path: path.touch()))
    yield Case(name=f"{name}: text", make=made(lambda path: path.write_text("hello\n")))
    yield Case(name=f"{name}: a folder", make=made(lambda path: path.mkdir()))
    yield Case(name=f"{name}: a pipe", make=made(os.mkfifo))
    yield Case(name=f"{name}: endless", make=made(lambda path: path.symlink_to("/dev/zero")))
    yield Case(name=f"{name}: a loop", make=made(lambda path: path.symlink_to(name)))
    yield Case(name=f"{name}: unlinked", make=made(lambda path: path.symlink_to("nothing")))
