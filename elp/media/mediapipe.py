"""MediaPipe's networks: face landmarks, small faces, people (chapter "Parameter extraction")."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elp.errors import ElpError
from elp.face.landmarks import TRACKED
from elp.media.tracker import Image, Points, choose, nearest

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


class MediaPipe:
    """A `Vision`; MediaPipe itself loads when the first picture comes."""

    def tracker(self, face: str, *, still: bool) -> MediaPipeTracker:
        """See `Vision.tracker`."""
        return MediaPipeTracker(face, still=still)

    def small_face(self, image: Image, face: str) -> Points:
        """See `Vision.small_face`: looked for in ever smaller tiles, then tracked close up."""
        order = {"largest": lambda b: -b[2], "left": lambda b: b[0], "right": lambda b: -b[0]}
        # the detector sees 192 x 192 pixels, so a small face wants a small part of the picture
        for parts in (1, 2, 4):
            for x, y, wide in sorted(_boxes(image, parts), key=order[face]):
                low = np.maximum([int(x - 1.5 * wide), int(y - 1.5 * wide)], 0)
                high = [int(x + 1.5 * wide), int(y + 1.5 * wide)]
                near = np.ascontiguousarray(image[low[1] : high[1], low[0] : high[0]])
                with self.tracker("largest", still=True) as tracker:
                    points = tracker(near) + np.array([*low, 0], np.float32)
                if np.isfinite(points).all():
                    return points
        return np.full((TRACKED, 3), np.nan, np.float32)

    def person(self, image: Image) -> NDArray[np.float32]:
        """See `Vision.person`: the selfie segmentation."""
        kind = _solutions().selfie_segmentation.SelfieSegmentation
        with quiet(), kind(model_selection=0) as network:
            found = network.process(np.ascontiguousarray(image))
            return np.asarray(found.segmentation_mask, np.float32)


class MediaPipeTracker:
    """A `Tracker`: MediaPipe follows one face fast, or looks for some when told to.

    A look at how many faces there are, now and then, says which of the two is needed.
    """

    def __init__(self, face: str, *, still: bool) -> None:
        self.face, self.still = face, still
        self.count, self.crowded = 0, still
        self.last: Points | None = None
        self._meshes: dict[str, Any] = {}

    def __enter__(self) -> MediaPipeTracker:
        return self

    def __exit__(self, *_: object) -> None:
        for mesh in self._meshes.values():
            mesh.close()
        self._meshes.clear()

    def __call__(self, image: Image) -> Points:
        """See `Tracker.__call__`."""
        if not self.crowded and self.count % SURVEY == 0:
            together = self._find("survey", image)
            if len(together) > 1:
                self.crowded, self.last = True, choose(together, self.face)
        self.count += 1
        found = self._find("still" if self.still else "crowd" if self.crowded else "one", image)
        if not found:
            return np.full((TRACKED, 3), np.nan, np.float32)
        points = (
            choose(found, self.face)
            if self.still or self.last is None
            else nearest(found, self.last)
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
                self._meshes[kind] = _solutions().face_mesh.FaceMesh(
                    static_image_mode=kind in ("still", "survey"),
                    max_num_faces=1 if kind == "one" else CROWD,
                    refine_landmarks=True,
                )
                result = self._meshes[kind].process(image)
        scale = np.array([image.shape[1], image.shape[0], image.shape[1]], np.float32)
        return [
            np.array([(p.x, p.y, p.z) for p in face.landmark], np.float32) * scale
            for face in result.multi_face_landmarks or []
        ]


def _boxes(image: Image, parts: int) -> list[tuple[float, float, float]]:
    """(x, y, width) of the faces seen in half-overlapping tiles, `parts` to a side."""
    h, w = image.shape[:2]
    tile = [int(np.ceil(length / parts)) for length in (h, w)]
    kind, out = _solutions().face_detection.FaceDetection, []
    with quiet(), kind(model_selection=1, min_detection_confidence=0.6) as detector:
        for top in range(0, max(h - tile[0], 0) + 1, max(tile[0] // 2, 1)):
            for left in range(0, max(w - tile[1], 0) + 1, max(tile[1] // 2, 1)):
                part = np.ascontiguousarray(image[top : top + tile[0], left : left + tile[1]])
                for found in detector.process(part).detections or []:
                    box, (ph, pw) = found.location_data.relative_bounding_box, part.shape[:2]
                    x = left + (box.xmin + box.width / 2) * pw
                    y = top + (box.ymin + box.height / 2) * ph
                    out.append((x, y, max(box.width * pw, box.height * ph)))
    return out


def _solutions() -> Any:
    try:
        import mediapipe
    except ImportError as error:
        raise ElpError(
            'face tracking needs mediapipe: pip install -e ".[media]" in the clone'
        ) from error
    return mediapipe.solutions
