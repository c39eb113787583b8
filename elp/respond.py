"""The main job: a speaker's video and one portrait in, the listener's video out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elp.errors import ElpError
from elp.exports import Exports, check_exports, write_exports
from elp.files import check, keep, together
from elp.motion import Clip, Motion

if TYPE_CHECKING:
    from elp.listener import ELPResponder
    from elp.render import Manner, Portrait, Renderer

Image = NDArray[np.uint8]
Shown = tuple["Portrait", "Renderer"]


def respond(
    speaker: str | Path,
    portrait: str | Path | Image | None = None,
    output: str | Path | None = None,
    *,
    emotion: str | Sequence[float] | None = "auto",
    seed: int = 0,
    params: str | Path | None = None,
    exports: Exports | None = None,
    checkpoint: str | Path = "listener",
    side_by_side: bool = False,
    face: str = "largest",
    renderer: str = "warp",
    renderer_checkpoint: str | Path | None = None,
    size: int = 512,
    manner: Manner | None = None,
    progress: bool = False,
    seen: Callable[[Clip], object] | None = None,
) -> Motion:
    """Synthesise how the person in `portrait` listens to `speaker` (chapter "Your own video").

    Args:
        speaker: a video of the speaker (any length, frame rate and size), or a clip that `elp
            extract` wrote.
        portrait: one image of the listener, a path or (H, W, 3) uint8 RGB; needed when `output` is
            given.
        output: the video to write: `size` x `size` (twice as wide with `side_by_side`), 25 fps,
            H.264, the speaker's sound carried along.
        emotion: a name that the checkpoint knows ("negative", "neutral", "positive"), weights of a
            mixture in the checkpoint's order, or "auto" (None): inferred from the speaker (ELP,
            section 3.3).
        seed: of everything that is drawn; the same seed gives the same response.
        params: an .npz to write the listener's motion to.
        exports: files of the motion for other programs (`elp.exports`).
        checkpoint: weights to use: a file, or "listener", the model that ships.
        side_by_side: put the speaker to the left of the listener; needs the speaker's video.
        face: which face is meant, in the video and in the portrait: "largest", "left" or "right".
        size: side of the pictures in pixels.
        manner: how the listener comes to life (`elp.render.Manner`); by default, its default with
            this seed.
        renderer: who draws, a name in `elp.render.RENDERERS`.
        renderer_checkpoint: weights of a renderer that has learned.
        progress: show progress bars on stderr.
        seen: is told what was seen and heard of the speaker, before the answer is made.

    Returns:
        The listener's motion: T frames of β, p, φ at 25 fps, as long as the speaker's video.

    Raises:
        ElpError: something about the input is at fault; the sentence says what to do. Nothing is
            written then.
    """
    speaker, exports = Path(speaker), exports or Exports()
    video = None if speaker.suffix == ".npz" else speaker
    _check(output, params, portrait, side_by_side, video)
    check_exports(exports)
    read = [speaker, portrait, checkpoint, renderer_checkpoint]
    keep(read, [output, params, *exports.paths])
    check(params, output, *exports.paths)
    # what is at fault with the portrait or the emotion ends minutes of work after a few seconds
    shown = None if output is None else portrait
    drawer = partial(_prepared, shown, face, size, renderer, renderer_checkpoint)
    ready = cache(partial(_ready, checkpoint, emotion, drawer))
    if video is None:
        ready()
    clip = Clip.load(speaker) if video is None else _extract(video, face, progress, ready)
    responder, listener = ready()
    if not clip.motion.valid.any():
        raise ElpError(f"{speaker}: a face in none of its frames: give a clip of somebody seen")
    if video is not None and len(clip) == 1:
        raise ElpError(f"{video}: one picture and no video: give a video of somebody who speaks")
    if seen is not None:
        seen(clip)
    motion = responder.respond(clip, emotion, generator=_generator(seed))
    with together(params, output, *exports.paths) as (numbers, film, *others):
        if numbers is not None:
            motion.save(numbers)
        looks = _looks(listener, len(motion), manner, seed)
        write_exports(exports.at(others), motion, clip, looks)
        if film is not None and listener is not None:
            alive = _alive(listener, motion, manner, seed)
            _write(film, alive, len(motion), video, side_by_side, progress)
    return motion


def _check(
    output: object, params: object, portrait: object, side_by_side: bool, video: Path | None
) -> None:
    if output is None and params is None and (portrait is not None or side_by_side):
        raise ElpError("nowhere to put the video: give an output file ending in .mp4")
    if output is not None and Path(str(output)).suffix.lower() != ".mp4":
        raise ElpError(f"{output}: the video is written as .mp4: give the file that ending")
    if params is not None and Path(str(params)).suffix != ".npz":
        raise ElpError(f"{params}: motion is stored as .npz: give the file that ending")
    if output is not None and portrait is None:
        raise ElpError("a video needs a face: give one portrait image of the listener")
    if side_by_side and video is None:
        raise ElpError(
            "side by side needs the speaker's pictures: "
            "give the video instead of the extracted clip"
        )


def _ready(
    checkpoint: str | Path,
    emotion: str | Sequence[float] | None,
    drawer: Callable[[], Shown | None],
) -> tuple[ELPResponder, Shown | None]:
    """Model and renderer; raises ElpError where the model does not know the emotion."""
    from elp.listener.contract import mixture
    from elp.listener.responder import ELPResponder

    responder = ELPResponder.from_checkpoint(checkpoint)
    mixture(emotion, responder.emotions)
    return responder, drawer()


def _prepared(
    portrait: str | Path | Image | None,
    face: str,
    size: int,
    renderer: str,
    checkpoint: str | Path | None,
) -> Shown | None:
    """The portrait, if there is one, and who is ready to show it."""
    if portrait is None:
        return None
    from elp.render import Portrait, prepare

    listener = Portrait.load(portrait, face=face)
    return listener, prepare(listener, size, renderer, checkpoint)


def _generator(seed: int) -> Any:
    import torch

    return torch.Generator().manual_seed(seed)


def _extract(video: Path, face: str, progress: bool, meanwhile: Callable[[], object]) -> Clip:
    from elp.extraction.pipeline import extract

    return extract(video, face=face, progress=progress, meanwhile=meanwhile)


def _alive(shown: Shown, motion: Motion, manner: Manner | None, seed: int) -> Iterator[Image]:
    """The listener's pictures."""
    from elp.render import Manner
    from elp.render.frames import play
    from elp.render.mark import stamp

    portrait, renderer = shown
    return map(stamp, play(renderer, portrait, motion, manner or Manner(seed=seed)))


def _looks(shown: Shown | None, frames: int, manner: Manner | None, seed: int) -> Any:
    """(T, 2) where the portrait's eyes go, in radians; None where no eyes are drawn or turned."""
    if shown is None:
        return None
    from elp.render import Manner
    from elp.render.gaze import path
    from elp.render.renderer import Alive

    how = manner or Manner(seed=seed)
    return path(frames, how.seed) if how.gaze and isinstance(shown[1], Alive) else None


def _write(
    output: Path,
    frames: Iterator[Image],
    count: int,
    video: Path | None,
    side_by_side: bool,
    progress: bool,
) -> None:
    from tqdm import tqdm

    from elp import render
    from elp.extraction.tracking import ahead
    from elp.media.video import frames as pictures
    from elp.media.write import write_video

    if side_by_side and video is not None:
        frames = render.side_by_side(pictures(video), frames)
    frames = ahead(frames)  # drawn while others are encoded
    frames = tqdm(frames, total=count, desc="render", unit="frame", disable=not progress)
    write_video(output, frames, audio=video, comment=render.PROVENANCE)
