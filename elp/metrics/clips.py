"""What metrics are computed on: clips of different length, some frames unseen."""

# C clip, T frame, D coefficient
from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from elp.errors import ElpError

Doubles = NDArray[np.float64]
ClipsLike = NDArray[Any] | Sequence[Any]  # (C, T, D), or C arrays (T_c, D)


class Clips(list[Doubles]):
    """Checked clips; sets that `aligned` made together share `group`, so that metrics need not
    check them again.
    """

    group: object = None

    def part(self, columns: slice) -> Clips:
        """The same clips, some columns only."""
        cut = Clips(x[:, columns] for x in self)
        cut.group = self.group
        return cut


def as_clips(name: str, clips: ClipsLike, valid: Any = None) -> Clips:
    """C arrays (T_c, D) in float64, in which an unseen frame is a row of NaN.

    Args:
        name: what the clips are, for the error's sentence.
        clips: (C, T, D) array, or a list of C arrays (T_c, D); a (T,) sequence counts as (T, 1).
        valid: None, or per clip a (T_c,) bool mask; a frame is seen when its mask is True and all
            its values are finite.

    Raises:
        ElpError: no clip, an empty clip, a wrong number of axes, different D, or a mask of another
            length.
    """
    if isinstance(clips, Clips) and valid is None:
        return clips
    if not hasattr(clips, "__len__"):
        raise ElpError(
            f"{name}: {type(clips).__name__} holds no clips: give an array (clips, T, D) or a list "
            "of arrays (T, D)"
        )
    if not len(clips):
        raise ElpError(f"{name}: no clips to measure: give at least one")
    if valid is not None and len(valid) != len(clips):
        raise ElpError(
            f"{name}: {len(clips)} clips, but {len(valid)} valid masks: give one mask a clip"
        )
    out = Clips()
    for i, clip in enumerate(clips):
        x = _doubles(f"{name}: clip {i}", clip)
        if x.ndim != 2 or not len(x) or not x.shape[1]:
            raise ElpError(
                f"{name}: clip {i} must be (T, D) with T and D at least 1, got {np.shape(clip)}"
            )
        if out and x.shape[1] != out[0].shape[1]:
            raise ElpError(
                f"{name}: clip {i} has {x.shape[1]} coefficients, clip 0 has {out[0].shape[1]}: "
                "all need the same"
            )
        seen = np.isfinite(x).all(1)
        if valid is not None:
            mask = np.asarray(valid[i], bool)
            if mask.shape != seen.shape:
                raise ElpError(
                    f"{name}: clip {i} has {len(x)} frames, its valid mask has shape "
                    f"{mask.shape}: both need the same"
                )
            seen &= mask
        x[~seen] = np.nan
        out.append(x)
    return out


def _doubles(name: str, clip: Any) -> Doubles:
    """A copy in float64, of arrays, lists and tensors on any device; (T,) becomes (T, 1)."""
    try:
        x = np.array(clip.detach().cpu().numpy() if hasattr(clip, "detach") else clip, np.float64)
    except (TypeError, ValueError) as error:
        raise ElpError(
            f"{name} is not made of numbers, or its rows differ in length: give an array (T, D)"
        ) from error
    return x[:, None] if x.ndim == 1 else x


def aligned(
    valid: Any = None, /, *, same_width: bool = True, **named: ClipsLike
) -> tuple[Clips, ...]:
    """The named sets of clips as `as_clips` gives them, a frame unseen in one being unseen in all.

    Raises:
        ElpError: the sets differ in the number of clips, a clip's length, or (with `same_width`) in
            D; or no frame is seen.
    """
    groups = {getattr(clips, "group", None) for clips in named.values()}
    if valid is None and len(groups) == 1 and None not in groups:
        return tuple(named.values())  # type: ignore[arg-type]  # of one group: checked clips
    sets = {name: as_clips(name, clips, valid) for name, clips in named.items()}
    (first, reference), *others = sets.items()
    for name, clips in others:
        if len(clips) != len(reference):
            raise ElpError(
                f"{name} has {len(clips)} clips, {first} has {len(reference)}: both need the same"
            )
        for i, (a, b) in enumerate(zip(reference, clips, strict=True)):
            if len(a) != len(b) or (same_width and a.shape[1] != b.shape[1]):
                raise ElpError(
                    f"clip {i}: {first} is {a.shape}, {name} is {b.shape}: both need the same shape"
                )
    sets = {
        name: Clips(x.copy() for x in clips) if clips is named[name] else clips
        for name, clips in sets.items()
    }
    group = object()
    for together in zip(*sets.values(), strict=True):
        unseen = np.any([np.isnan(x[:, 0]) for x in together], 0)
        for x in together:
            x[unseen] = np.nan
    for clips in sets.values():
        clips.group = group
    if all(np.isnan(x).all() for x in sets[first]):
        raise ElpError(
            f"no frame is seen in all of {', '.join(sets)}: check the valid masks and for NaN"
        )
    return tuple(sets.values())


def unseen_alike(reference: Clips, name: str, clips: ClipsLike) -> Clips:
    """Further clips with the unseen frames of checked ones, to be measured together with them.

    Raises:
        ElpError: as `as_clips`, or a frame that is seen holds NaN or infinity.
    """
    shown = [~np.isnan(x[:, 0]) for x in reference]
    found = as_clips(name, clips, shown)
    for i, (x, there) in enumerate(zip(found, shown, strict=True)):
        if np.isnan(x[there]).any():
            raise ElpError(f"{name}: clip {i} holds NaN or infinity where the listener was seen")
    found.group = reference.group
    return found


def seen(x: Doubles) -> Doubles:
    """The rows of a checked clip without the unseen ones, all NaN; the clip itself, not a copy,
    where all are seen.
    """
    gone = np.isnan(x[:, 0])
    return x[~gone] if gone.any() else x


def steps(x: Doubles) -> Doubles:
    """(n, D) differences of neighbouring frames that are both seen."""
    return seen(np.diff(x, axis=0))


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def each_clip(measure: Callable[..., Any], *sets: Sequence[Any]) -> list[Any]:
    """`measure` of the clips (or groups of clips) that belong together, in order, on all cores:
    what NumPy does inside releases Python's lock.

    Linear algebra's own threads are held back meanwhile: on matrices as small as a clip's they only
    stand in each other's way. So the numbers are the same, to the bit, on any number of cores.
    """
    with single_threaded(), ThreadPoolExecutor(cores()) as pool:
        return list(pool.map(measure, *sets))


@cache
def _libraries() -> ThreadpoolController:
    import scipy.linalg  # noqa: F401  brings a library besides numpy's

    return ThreadpoolController()  # looks through everything loaded: once is enough


def single_threaded() -> AbstractContextManager[Any]:
    """A context in which linear algebra starts no threads."""
    return _libraries().limit(limits=1, user_api="blas")
