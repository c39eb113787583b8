"""A video to expression, head pose, blinks and MFCC (chapter "Parameter extraction")."""

# T frame at 25 per second, P landmark
from __future__ import annotations

import importlib
import queue
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from elp.errors import ElpError
from elp.extraction.blink import blink, ear, lid_aperture
from elp.extraction.meanwhile import Meanwhile
from elp.face.landmarks import TRACKED
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
    meanwhile: Meanwhile[Any] | None = None,
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
        meanwhile: what else to make while pictures are tracked; by default the fit loads.

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
    loading = Meanwhile(partial(importlib.import_module, "elp.extraction.fit"))  # torch
    with temporary() as store, meanwhile or loading as beside:
        with tqdm(desc="track", unit="frame", disable=not progress) as bar:

            def tick(count: int) -> None:
                bar.update(count)
                beside.tick()

            points = track(path, face, store, tick)
        if not len(points.seen):
            raise ElpError(
                f"{path}: no face found in it: "
                "use a video that shows a face from the front, well lit and not too small"
            )
        beside.result()
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


class PointFile:
    """Tracked points (T, 478, 3) float32 in a file: an hour of them is half a gigabyte.

    Slices and index arrays read what they name. `sight` holds (T, 2), how sure the points are and
    how much the eyes show, 0 to 1 each.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.frames = file, 0
        self.sight: NDArray[np.float32] = np.zeros((0, 2), np.float32)
        self.seen: list[int] = []

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.frames, TRACKED, 3

    def __len__(self) -> int:
        return self.frames

    def append(self, points: NDArray[np.float32]) -> None:
        """Add one frame's (478, 3)."""
        self.file.seek(0, 2)
        self.file.write(np.ascontiguousarray(points, np.float32).tobytes())
        if np.isfinite(points).all():
            self.seen.append(self.frames)
        self.frames += 1

    def row(self, k: int) -> NDArray[np.float32]:
        """One frame's (478, 3)."""
        self.file.seek(k * TRACKED * 12)
        return np.frombuffer(self.file.read(TRACKED * 12), np.float32).reshape(TRACKED, 3)

    def __getitem__(self, which: slice | NDArray[np.integer]) -> NDArray[np.float32]:
        rows = np.arange(self.frames)[which]
        out = np.empty((len(rows), TRACKED, 3), np.float32)
        breaks = np.flatnonzero(np.diff(rows) != 1) + 1
        for run in np.split(np.arange(len(rows)), breaks) if len(rows) else []:
            self.file.seek(int(rows[run[0]]) * TRACKED * 12)
            data = self.file.read(len(run) * TRACKED * 12)
            out[run] = np.frombuffer(data, np.float32).reshape(-1, TRACKED, 3)
        return out


def track(
    path: str | Path, face: str, store: IO[bytes], tick: Callable[[int], object] | None = None
) -> PointFile:
    """Track one face through a video's own pictures.

    Points at 25 per second, in pixels of the full-sized picture, go to the binary file `store`.
    """
    from elp.media.track import tracker
    from elp.media.video import Shown, between, pictures, probe

    size, out = probe(path).size, PointFile(store)
    with tracker(face) as found, temporary() as scratch:
        # who is meant may turn out late: until then everybody's points are kept
        everybody, times = PointFile(scratch), []
        people: list[dict[int | None, tuple[float, float]]] = []
        for shown in ahead(pictures(path, longest=LONGEST)):
            height, width = shown.what.shape[:2]
            scale = np.array([size[0] / width, size[1] / height, size[0] / width], np.float32)
            faces = found.everybody(shown.what)
            for face_seen in faces.values():
                everybody.append(face_seen.points * scale)
            times.append(shown[:3])
            people.append({person: seen[1:] for person, seen in faces.items()})
            if tick:
                tick(1)
        meant = found.meant()
        own = _points_of(meant, people, everybody)
        for values in between(Shown(*time, each) for time, each in zip(times, own, strict=True)):
            out.append(values)
        sights = (np.array(seen.get(meant, (0.0, 1.0)), np.float32) for seen in people)
        rows = between(Shown(*time, each) for time, each in zip(times, sights, strict=True))
        sight = np.stack(list(rows))
        out.sight = np.where(np.isnan(sight), np.array([0, 1], np.float32), sight)  # held
    return out


def _points_of(
    meant: int | None, people: Iterable[Mapping[int | None, object]], everybody: PointFile
) -> Iterator[NDArray[np.float32]]:
    """One person's (478, 3) in each picture, NaN where not seen, from rows of all who are."""
    row, nobody = 0, np.full((TRACKED, 3), np.nan, np.float32)
    for seen in people:
        yield everybody.row(row + list(seen).index(meant)) if meant in seen else nobody
        row += len(seen)


def ahead(items: Iterable[Item], count: int = 4) -> Iterator[Item]:
    """The same items, made by a thread that runs up to `count` ahead.

    So pictures are decoded while others are tracked.
    """
    box: queue.Queue[tuple[str, Any]] = queue.Queue(count)
    stop = threading.Event()

    def put(kind: str, item: Any) -> None:
        while not stop.is_set():
            try:
                box.put((kind, item), timeout=0.1)
                return
            except queue.Full:
                continue

    def work() -> None:
        try:
            for item in items:
                put("item", item)
                if stop.is_set():
                    return
            put("end", None)
        except BaseException as error:
            put("error", error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            kind, item = box.get()
            if kind == "end":
                return
            if kind == "error":
                raise item
            yield item
    finally:
        stop.set()
        thread.join()


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
