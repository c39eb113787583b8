"""What a renderer is (chapter "The renderer")."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

from elp.motion import Motion
from elp.render.portrait import Portrait

Image = NDArray[Any]  # uint8


class Renderer(Protocol):
    """One portrait at one size, prepared to be shown in motion (ELP, section 3.4).

    A renderer must

    - show the portrait as it is, up to rounding, where β and pose are zero: both are added to what
      the portrait shows already;
    - shut the eyes in every run of φ (`elp.render.blink`), and repeat the last valid frame where
      `motion.valid` is False;
    - give the same pictures for the same motion, in memory that does not grow with its length;
    - raise ElpError, before its first picture, for a motion or a size that it cannot show.
    """

    def frames(self, motion: Motion) -> Iterator[Image]:
        """T pictures (size, size, 3) uint8 RGB of the portrait making T frames of `motion`."""
        ...


@runtime_checkable
class Alive(Renderer, Protocol):
    """A renderer that can also turn the eyes and move the shoulders; one that cannot shows the
    motion alone.
    """

    def alive(self, motion: Motion, looks: NDArray[Any], sway: NDArray[Any]) -> Iterator[Image]:
        """`frames` of T frames of `motion`, the eyes turned by `looks` (T, 2), radians to the right
        and down in the picture, the shoulders moved by `sway` (T, 3) cm.
        """
        ...


class Prepare(Protocol):
    """Makes a renderer of a portrait; `elp.render.frames.RENDERERS` names those that there are."""

    def __call__(self, portrait: Portrait, size: int, checkpoint: str | Path | None) -> Renderer:
        """Do, once, whatever work does not depend on the motion.

        Raises ElpError where the renderer needs a checkpoint and has none, or another's, or has no
        use for one.
        """
        ...
