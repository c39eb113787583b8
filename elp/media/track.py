"""MediaPipe's face landmarks, frame by frame, of one chosen face (chapter "Parameter
extraction").
"""

# T frame
from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elp.errors import ElpError
from elp.face.landmarks import TRACKED

Image = NDArray[np.uint8]
Points = NDArray[np.float32]
FACES = ("largest", "left", "right")
SURVEY = 50  # frames between two looks at how many faces there are
CROWD = 4  # faces told apart


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Send file descriptor 2 to nowhere for a while: C++ libraries log there, past `sys.stderr`."""
    sys.stderr.flush()
    saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        with unwarned():
            yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)


@contextlib.contextmanager
def unwarned() -> Iterator[None]:
    """Keep protobuf's advice to MediaPipe, which it gives at every picture, from the user."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="SymbolDatabase.GetPrototype")
        yield


class Tracker:
    """Landmarks of one face in a stream of pictures; use it as a context manager.

    With several faces, `face` says which is meant: the "largest", or the one most to the "left" or
    "right" of the picture. The choice is made where they first appear together, and then kept by
    position.

    Args:
        face: "largest", "left" or "right".
        still: treat every picture by itself (slower, for unrelated photographs).

    Raises:
        ElpError: `face` is none of the three, or MediaPipe is not installed.
    """

    def __init__(self, face: str = "largest", *, still: bool = False) -> None:
        if face not in FACES:
            raise ElpError(f"face {face!r}: choose one of {', '.join(FACES)}")
        self.face, self.still = face, still
        self.count, self.crowded = 0, still
        self.last: Points | None = None
        self._meshes: dict[str, Any] = {}

    def __enter__(self) -> Tracker:
        return self

    def __exit__(self, *_: object) -> None:
        for mesh in self._meshes.values():
            mesh.close()
        self._meshes.clear()

    def __call__(self, image: Image) -> Points:
        """(478, 3) landmarks in pixels (x right, y down, relative depth of the same scale) of an
        (H, W, 3) RGB picture; NaN without a face.
        """
        if not self.crowded and self.count % SURVEY == 0:
            together = self._find("survey", image)
            if len(together) > 1:
                self.crowded, self.last = True, _choose(together, self.face)
        self.count += 1
        found = self._find("still" if self.still else "crowd" if self.crowded else "one", image)
        if not found:
            return np.full((TRACKED, 3), np.nan, np.float32)
        points = (
            _choose(found, self.face)
            if self.still or self.last is None
            else _nearest(found, self.last)
        )
        if points is None:
            return np.full((TRACKED, 3), np.nan, np.float32)
        self.last = points
        return points

    def _find(self, kind: str, image: Image) -> list[Points]:
        if kind in self._meshes:
            with unwarned():
                result = self._meshes[kind].process(image)
        else:
            with quiet():  # the first picture loads the models, which is what logs
                self._meshes[kind] = _mesh(
                    still=kind in ("still", "survey"), faces=1 if kind == "one" else CROWD
                )
                result = self._meshes[kind].process(image)
        scale = np.array([image.shape[1], image.shape[0], image.shape[1]], np.float32)
        return [
            np.array([(p.x, p.y, p.z) for p in face.landmark], np.float32) * scale
            for face in result.multi_face_landmarks or []
        ]


def _mesh(*, still: bool, faces: int) -> Any:
    try:
        import mediapipe as mp
    except ImportError as error:
        raise ElpError(
            'face tracking needs mediapipe: pip install -e ".[media]" in the clone'
        ) from error
    return mp.solutions.face_mesh.FaceMesh(
        static_image_mode=still, max_num_faces=faces, refine_landmarks=True
    )


def _width(points: Points) -> float:
    return float(np.ptp(points[:, 0]) + np.ptp(points[:, 1]))


def _choose(faces: list[Points], rule: str) -> Points:
    if rule == "largest":
        return max(faces, key=_width)
    return (min if rule == "left" else max)(faces, key=lambda face: float(face[:, 0].mean()))


def _nearest(faces: list[Points], last: Points) -> Points | None:
    """The face closest to the last one seen; None when even that is more than a face's width away:
    another person.
    """
    distance = [float(np.linalg.norm((face - last)[:, :2].mean(0))) for face in faces]
    best = int(np.argmin(distance))
    return faces[best] if distance[best] < 0.75 * _width(last) else None


def landmarks(images: Iterable[Image], *, face: str = "largest", still: bool = False) -> Points:
    """(T, 478, 3) landmarks in pixels of T pictures, NaN where there is no face; see `Tracker`."""
    with Tracker(face, still=still) as tracker:
        return np.stack([tracker(image) for image in images])
