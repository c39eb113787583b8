"""Portrait and motion in, pictures out (chapter "The renderer")."""

# T frame, H, W, h, w pixels
from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elp.errors import ElpError
from elp.motion import Motion
from elp.render.manner import Manner
from elp.render.mark import stamp
from elp.render.portrait import Portrait
from elp.render.renderer import Alive, Prepare, Renderer
from elp.render.warping import WarpRenderer

Image = NDArray[Any]  # uint8
PROVENANCE = "Synthetic: a portrait re-posed by elp (Emotional Listener Portrait), not a recording"


def _warp(portrait: Portrait, size: int, checkpoint: str | Path | None) -> Renderer:
    """The picture itself, moved as a mesh."""
    if checkpoint is not None:
        raise ElpError("renderer warp learns nothing: leave its checkpoint out")
    return WarpRenderer(portrait, size)


def _flow(portrait: Portrait, size: int, checkpoint: str | Path | None) -> Renderer:
    """A network that is given the mesh's own displacements."""
    from elp.render.mesh2video.renderer import prepare

    return prepare(portrait, size, checkpoint, "flow")


def _fomm(portrait: Portrait, size: int, checkpoint: str | Path | None) -> Renderer:
    """A network that finds keypoints in mesh pictures, as the paper's does."""
    from elp.render.mesh2video.renderer import prepare

    return prepare(portrait, size, checkpoint, "fomm")


# another renderer: its file, and its name here
RENDERERS: dict[str, Prepare] = {
    "warp": _warp,
    "flow": _flow,
    "fomm": _fomm,
}


def prepare(
    portrait: Portrait, size: int, renderer: str = "warp", checkpoint: str | Path | None = None
) -> Renderer:
    """The renderer of that name in `RENDERERS`, made ready for a portrait.

    Raises:
        ElpError: there is no such renderer, or something about the size or checkpoint is wrong.
    """
    if renderer not in RENDERERS:
        raise ElpError(f"no renderer {renderer!r}: choose one of {', '.join(RENDERERS)}")
    return RENDERERS[renderer](portrait, size, checkpoint)


def render(
    portrait: Portrait,
    motion: Motion,
    size: int = 256,
    *,
    mark: bool = True,
    renderer: str = "warp",
    checkpoint: str | Path | None = None,
    manner: Manner | None = None,
) -> Iterator[Image]:
    """Show `portrait` making `motion`, frame by frame, in constant memory.

    β is added to the portrait's own expression and pose to its own pose, so that zeros show the
    portrait as it is, up to rounding (1 of 255). Blinks are closed by `blink_control`; what lies
    beyond the warp's sound range is bent back smoothly (`elp.render.limits`). Frames that are not
    valid repeat the last valid one.

    Args:
        portrait: from `Portrait.load`.
        motion: T frames with as many expression coefficients as the portrait's face model has.
        size: side of the frames in pixels.
        mark: write "synthetic" into the corner.
        renderer: a name in `RENDERERS`.
        checkpoint: of a renderer that has learned: "flow" and "fomm".
        manner: how the motion comes in, what of the portrait's own expression is let go, how the
            shoulders breathe and where the eyes look; None shows the motion as it is.

    Yields:
        T pictures (size, size, 3), uint8 RGB.

    Raises:
        ElpError: the motion has another number of coefficients; the size or the checkpoint is not
            usable; there is no such renderer.
    """
    frames = play(prepare(portrait, size, renderer, checkpoint), portrait, motion, manner)
    return map(stamp, frames) if mark else frames


def play(
    renderer: Renderer, portrait: Portrait, motion: Motion, manner: Manner | None
) -> Iterator[Image]:
    """T pictures of the renderer, prepared for that portrait, in that manner, without a mark."""
    if manner is None:
        return renderer.frames(motion)
    looks, sway = manner.looks(len(motion), portrait), manner.sway(motion)
    motion = manner.motion(motion, portrait)
    if isinstance(renderer, Alive):
        return renderer.alive(motion, looks, sway)
    return renderer.frames(motion)


def side_by_side(left: Iterable[Image], right: Iterable[Image]) -> Iterator[Image]:
    """The speaker beside the listener, until the listener ends.

    `left` is scaled and cropped at its centre to the size of `right`.

    Args:
        left: pictures (H, W, 3) uint8 RGB of any size; the last one is repeated if they end first.
        right: pictures (h, w, 3).

    Yields:
        (h, 2 w, 3) uint8 RGB.
    """
    import cv2

    lefts, shown = iter(left), None
    for listener in right:
        speaker = next(lefts, None)
        if speaker is not None:
            h, w = listener.shape[:2]
            scale = max(h / speaker.shape[0], w / speaker.shape[1])
            fit = (max(w, round(speaker.shape[1] * scale)), max(h, round(speaker.shape[0] * scale)))
            big = cv2.resize(
                speaker, fit, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
            )
            y, x = (fit[1] - h) // 2, (fit[0] - w) // 2
            shown = big[y : y + h, x : x + w]
        yield np.hstack([np.zeros_like(listener) if shown is None else shown, listener])
