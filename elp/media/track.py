"""MediaPipe's face landmarks, quietly (chapter "Parameter extraction")."""

# T frame
from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from elp.face.landmarks import TRACKED


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Send file descriptor 2 to nowhere for a while: C++ libraries log there, past `sys.stderr`."""
    sys.stderr.flush()
    saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)


def landmarks(images: Iterable[NDArray[np.uint8]], *, still: bool = False) -> NDArray[np.float32]:
    """(T, 478, 3) landmarks in pixels of the face in each (H, W, 3) RGB image, NaN where there is none."""
    with quiet():
        import mediapipe as mp
    out = []
    with quiet(), mp.solutions.face_mesh.FaceMesh(static_image_mode=still, max_num_faces=1, refine_landmarks=True) as mesh:
        for image in images:
            scale = (image.shape[1], image.shape[0], image.shape[1])
            found = mesh.process(image).multi_face_landmarks
            out.append([(p.x * scale[0], p.y * scale[1], p.z * scale[2]) for p in found[0].landmark] if found else [(np.nan,) * 3] * TRACKED)
    return np.array(out, np.float32).reshape(-1, TRACKED, 3)
