"""The videos of a study: files named by method and speaker, or small ones that we draw (chapter
"Your own study").
"""

# T frame, P mesh point
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elp.book import encode
from elp.errors import ElpError
from elp.face import FaceModel
from elp.motion import FPS, Motion

if TYPE_CHECKING:
    from elp.book.study.design import Study

CRF = 34  # a page holds many clips
Films = Mapping[tuple[str, str], Path | str]  # (method, speaker) -> a file, or a data URI


def films(folder: str | Path) -> dict[tuple[str, str], Path]:
    """The videos `folder/METHOD/SPEAKER.mp4`, as (method, speaker) -> file.

    Raises:
        ElpError: fewer than two methods, or a speaker that not every method answers.
    """
    found = {(p.parent.name, p.stem): p for p in sorted(Path(folder).glob("*/*.mp4"))}
    methods = {method for method, _ in found}
    if len(methods) < 2:
        raise ElpError(f"{folder}: no two methods: put videos in {folder}/METHOD/SPEAKER.mp4")
    for speaker in sorted({speaker for _, speaker in found}):
        for method in sorted(methods):
            if (method, speaker) not in found:
                raise ElpError(
                    f"{folder}: {method}/{speaker}.mp4 is missing: "
                    "every method must answer every speaker"
                )
    return found


def sources(study: Study, films: Films) -> dict[str, str]:
    """key -> data URI of each clip; raises ElpError where one is missing or unreadable."""
    found = {}
    for key, clip in study.clips.items():
        if clip not in films:
            raise ElpError(f"no video of {clip[0]} answering {clip[1]}: give one for every clip")
        film = films[clip]
        try:
            text = film if isinstance(film, str) else encode.uri("video/mp4", film.read_bytes())
        except OSError as error:
            raise ElpError(f"{film}: cannot be read: give a video") from error
        found[key] = text
    return found


def drawn(
    speaker: Motion,
    listener: Motion,
    sound: tuple[NDArray[np.floating[Any]], int] | None = None,
    *,
    size: int = 128,
    every: int = 1,
) -> str:
    """A speaker, left, and who listens, right, as shaded meshes side by side: a data URI.

    Args:
        speaker, listener: motions of the same T frames.
        sound: (n,) what the speaker says, and its rate.
        size: of each head in pixels. every: how many frames become one picture.
    """
    both = (_heads(motion, size, every) for motion in (speaker, listener))
    pictures = [np.concatenate(two, axis=1) for two in zip(*both, strict=True)]
    return encode.video(pictures, FPS / every, sound, crf=CRF)


def _heads(motion: Motion, size: int, every: int) -> list[NDArray[np.uint8]]:
    import torch

    from elp.book.mesh import shaded
    from elp.face.camera import rotation

    model = FaceModel.default()
    vectors = torch.from_numpy(motion.pose[::every, :3].astype(np.float64))
    turned = rotation(vectors)[0].numpy().transpose(0, 2, 1)
    shapes = model.shape(beta=motion.beta[::every]) @ turned
    return [encode.on_ground(shaded(points, model.triangles, size=size)) for points in shapes]
