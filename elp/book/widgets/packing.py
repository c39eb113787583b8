"""Arrays as few bytes: integers of a step each, deflated (chapter "Base, Transformed, U")."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elp.errors import ElpError

LARGEST = 32639  # of two signed bytes: 127 * 256 + 127


class Levels(NamedTuple):
    """An array to be stored as integers, and how many steps make one of its standard deviations."""

    values: NDArray[Any]
    steps: float


class Packed(NamedTuple):
    """What `unpack` of `layers.js` takes.

    Attributes:
        layout: (name, numbers, step) of each array, in order; step 0 is stored as float32.
        data: deflated: the integers' lower bytes, the integers less these over 256, the floats;
            both halves signed, so that the upper one of a small number is 0.
    """

    layout: list[tuple[str, int, float]]
    data: bytes

    def unpack(self) -> dict[str, NDArray[np.float32]]:
        """The arrays as the page will have them, (n,) each."""
        raw = zlib.decompress(self.data)
        count = sum(size for _, size, step in self.layout if step)
        low, high = np.frombuffer(raw, np.int8, 2 * count).reshape(2, count).astype(np.int16)
        integers = 256 * high + low
        floats = np.frombuffer(raw, "<f4", offset=2 * count)
        found, at = {}, {True: 0, False: 0}
        for name, size, step in self.layout:
            part = slice(at[step > 0], at[step > 0] + size)
            found[name] = np.float32(step) * integers[part] if step else floats[part]
            at[step > 0] += size
        return found


def pack(arrays: Mapping[str, NDArray[Any] | Levels]) -> Packed:
    """Arrays by name, exact as float32 or, as `Levels`, rounded to steps of equal size.

    Equal steps, not equally many: what an output is wrong by is the sum of what its weights are
    wrong by, large or small. Deflating makes small numbers short.

    Raises:
        ElpError: an array needs more steps than two bytes count.
    """
    layout, integers, floats = [], [np.empty(0, "<i2")], [np.empty(0, "<f4")]
    for name, value in arrays.items():
        if not isinstance(value, Levels):
            floats.append(np.asarray(value, "<f4").ravel())
            layout.append((name, floats[-1].size, 0.0))
            continue
        flat = np.asarray(value.values, np.float64).ravel()
        step = float(np.float32(max(flat.std(), 1e-9) / value.steps))
        rounded = np.round(flat / step)
        if np.abs(rounded).max(initial=0) > LARGEST:
            raise ElpError(f"{name}: {value.steps} steps a deviation are too many: take fewer")
        integers.append(rounded.astype("<i2"))
        layout.append((name, flat.size, step))
    whole = np.concatenate(integers)
    low = whole.astype(np.int8)
    high = ((whole.astype(np.int32) - low) >> 8).astype(np.int8)
    raw = low.tobytes() + high.tobytes() + np.concatenate(floats).tobytes()
    return Packed(layout, zlib.compress(raw, 9))


def quoted(data: bytes) -> str:
    """Bytes as JavaScript: how many, and a string of seven bits a character (`sevens`).

    The string is the comment in a function's source. Between quotes, one character of 32 would
    have to be escaped; here it is the end of a comment alone, where an eighth bit, which readers
    drop, makes the star another character.
    """
    inside = sevens(data).replace("*/", f"{chr(ord('*') | 0x80)}/")
    return f"[{len(data)}, String(function () {{/*{inside}*/}}).slice(15, -3)]"


def sevens(data: bytes) -> str:
    """Bytes as characters of seven bits each, an eighth longer; base64 would be a third longer."""
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    rows = np.pad(bits, (0, -len(bits) % 7)).reshape(-1, 7)
    return np.packbits(np.pad(rows, ((0, 0), (1, 0))), axis=1).tobytes().decode("ascii")
