"""One face followed through a video (chapter "Parameter extraction")."""

# T frame at 25 per second, P landmark
from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from elp.extraction.pointfile import PointFile
from elp.face.landmarks import TRACKED
from elp.files import temporary

# pixels: larger pictures are shrunk before tracking; up to there shrinking takes the longer time
LONGEST = 3840
Item = TypeVar("Item")


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


def ahead(items: Iterable[Item], count: int = 4) -> Generator[Item, None, None]:
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
