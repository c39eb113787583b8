"""A video to expression, head pose, blinks and MFCC (chapter "Parameter extraction")."""

# T frame at 25 per second, P landmark
from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from elp.errors import ElpError
from elp.extraction.apart import track_apart, worthwhile
from elp.extraction.blink import blink, ear, lid_aperture
from elp.extraction.tracking import track
from elp.face.model import FaceModel
from elp.files import temporary
from elp.motion import FPS, Clip, Motion, fill_gaps, runs

if TYPE_CHECKING:
    from elp.extraction.fit import FaceFit

# pixels: larger pictures are shrunk before tracking; up to there shrinking takes the longer time
LONGEST = 3840
# seconds without a face that are filled by interpolation; frames of longer gaps are not valid
GAP = 0.5
SHARE = 0.9  # of the frames: a face, or eyes, seen in fewer are worth a warning
SURE = 0.5  # confidence below which a clip is worth one
HELD = 13  # frames: eyes are hidden for half a second, lids for less
Item = TypeVar("Item")


def extract(
    path: str | Path,
    *,
    face: str = "largest",
    model: FaceModel | None = None,
    progress: bool = False,
    meanwhile: Callable[[], object] | None = None,
) -> Clip:
    """Measure the person in a video (ELP, sections 3.1 and 3.2).

    Tracks one face through the video's own pictures, takes its points at 25 frames per second, fits
    identity, camera, pose and expression, finds blinks and computes MFCC and prosody. Memory does
    not grow with the video's length.

    Args:
        path: a video of any frame rate, size and sound.
        face: which face where there are several: the "largest", the one most to the "left" or the
            "right" of the picture.
        model: the face model to fit; by default `FaceModel.default()`.
        progress: show progress bars on stderr.
        meanwhile: what else to do while pictures are tracked; by default the fit loads.

    Returns:
        A Clip of round(duration · 25) frames. Gaps without a face of up to half a second are
        interpolated; frames of longer ones hold the interpolation too, but `valid` is 0 there.
        Where the eyes are hidden, by dark glasses or a hand, `ear` is NaN and no blink is found.
        Without sound the MFCC are zeros. Warnings tell of that, of a face that is seen in less than
        nine tenths of the frames, of hidden eyes and of an unsure tracker.

    Raises:
        ElpError: the file is missing, unreadable or has no pictures, no frame shows a face, or
            `face` is unknown.
    """
    from tqdm import tqdm

    from elp.media.video import probe

    model, size = model or FaceModel.default(), probe(path).size
    load = meanwhile or _load
    with temporary() as store:
        with tqdm(desc="track", unit="frame", disable=not progress) as bar:
            if worthwhile():
                points = track_apart(path, face, store, bar.update, load)
            else:
                load()
                points = track(path, face, store, bar.update)
        if not len(points.seen):
            raise ElpError(
                f"{path}: no face found in it: "
                "use a video that shows a face from the front, well lit and not too small"
            )
        from elp.extraction.fit import fit

        with tqdm(desc="fit", unit="frame", total=len(points.seen), disable=not progress) as bar:
            # a PointFile is read as an array is
            found = fit(points, size, model, progress=bar.update)  # type: ignore[arg-type]
        eyes = [
            np.concatenate([measure(points[i : i + 1024]) for i in range(0, len(points), 1024)])
            for measure in (ear, lid_aperture)
        ]
    ratio = _open_to_sight(eyes[0], points.sight)
    clip = Clip(
        motion=_motion(found, blink(ratio, iris=eyes[1])),
        mfcc=sound(path, len(points)),
        prosody=voice(path, len(points)),
        ear=ratio,
        confidence=points.sight[:, 0],
        alpha=found.alpha,
        focal=found.focal,
        origin=found.origin,
        size=size,
        rms=found.rms,
        source=Path(path).name,
    )
    for doubt in _doubts(clip):
        warnings.warn(f"{path}: {doubt}", stacklevel=2)
    return clip


def _load() -> None:
    """Torch, and what takes time to load besides."""
    for module in ("elp.extraction.fit", "elp.media.audio", "elp.media.prosody"):
        importlib.import_module(module)


def _open_to_sight(ratio: NDArray[np.float32], sight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Eye aspect ratios (T, 2), NaN where the eyes are hidden for longer than a blink."""
    padded = np.pad(sight[:, 1], HELD // 2, mode="edge")
    hidden = np.median(sliding_window_view(padded, HELD), axis=1) < 0.5
    return np.where(hidden[:, None], np.float32(np.nan), ratio)


def _doubts(clip: Clip) -> Iterator[str]:
    """What of a clip is not known, or not surely."""
    seen = clip.motion.valid
    if seen.mean() < SHARE:
        yield f"the face is seen in {seen.mean():.0%} of the frames only: the rest is made up"
    if clip.eyes_hidden() > 1 - SHARE:
        yield f"the eyes are hidden in {clip.eyes_hidden():.0%}: blinks are not known there"
    if clip.confidence is not None and seen.any() and clip.confidence[seen].mean() < SURE:
        yield "the face is dark, blurred or covered: its motion is unsure"


def sound(path: str | Path, frames: int) -> NDArray[np.float32]:
    """MFCC (T, 29) of a video's sound; zeros, and one warning, where it has none or is silent."""
    from elp.media.audio import blocks, has_audio, mfcc

    if not has_audio(path):
        warnings.warn(f"{path}: no sound in it: its MFCC are zeros", stacklevel=3)
        return mfcc(None, frames)
    out = mfcc(blocks(path), frames)
    if not out.any():
        warnings.warn(
            f"{path}: its sound is silence, or cannot be decoded: its MFCC are zeros", stacklevel=3
        )
    return out


def voice(path: str | Path, frames: int) -> NDArray[np.float32]:
    """Prosody (T, 8) of a video's sound; that of silence where it has none."""
    from elp.media.audio import blocks
    from elp.media.prosody import prosody

    return prosody(blocks(path), frames)


def _motion(found: FaceFit, blinks: NDArray[np.uint8]) -> Motion:
    """Translations relative to the median, and gaps filled; long ones, and the ends, not valid."""
    seen = np.asarray(np.isfinite(found.beta).all(axis=1))
    pose = found.pose - np.concatenate([np.zeros(3, np.float32), found.origin])
    valid = seen.copy()
    for first, last in runs(~seen):
        inside = first > 0 and last < len(seen)
        valid[first:last] = inside and last - first <= GAP * FPS
    beta, pose = fill_gaps(found.beta, seen), fill_gaps(pose, seen)
    return Motion(beta=beta, pose=pose, blink=blinks, valid=valid)
