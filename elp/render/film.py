"""A motion's file to a video's: of a portrait, or of the mesh alone (chapter "The renderer")."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from elp.errors import ElpError
from elp.files import check, keep
from elp.motion import Motion
from elp.render.frames import PROVENANCE, render
from elp.render.mesh import mesh_frames
from elp.render.portrait import Portrait

MESH = "Synthetic: a face model making a motion, drawn by elp (Emotional Listener Portrait)"


def film(
    motion: str | Path,
    output: str | Path,
    *,
    portrait: str | Path | None = None,
    renderer: str = "warp",
    checkpoint: str | Path | None = None,
    size: int = 256,
    progress: bool = False,
) -> Motion:
    """Write the video of a motion, whole or not at all.

    Args:
        motion: an .npz of `elp extract` or `elp respond --params`.
        output: the .mp4 to write.
        portrait: whom to show; without, the shaded mesh alone, the paper's mesh video.
        renderer, checkpoint: see `render`.
        size: side of the pictures in pixels.
        progress: show a progress bar on stderr.

    Returns:
        The motion.

    Raises:
        ElpError: something about the input is at fault; nothing is written then.
    """
    from tqdm import tqdm

    from elp.media.write import write_video

    if Path(output).suffix.lower() != ".mp4":
        raise ElpError(f"{output}: the video is written as .mp4: give the file that ending")
    keep([motion, portrait, checkpoint], [output])
    check(output)
    shown = Motion.load(motion)
    if portrait is None:
        frames: Iterator[NDArray[Any]] = mesh_frames(shown, size)
    else:
        person = Portrait.load(portrait)
        frames = render(person, shown, size, renderer=renderer, checkpoint=checkpoint)
    frames = tqdm(frames, total=len(shown), desc="render", unit="frame", disable=not progress)
    write_video(output, frames, comment=MESH if portrait is None else PROVENANCE)
    return shown
