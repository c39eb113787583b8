"""Section 3.4: motion and one portrait become pixels: `Portrait`, `render`, `side_by_side`.

In: a portrait and a `Motion`. Out: RGB frames of 256 x 256. Chapter "The renderer".
"""

from elp.render.blink import blink_control
from elp.render.frames import PROVENANCE, RENDERERS, render, side_by_side
from elp.render.portrait import Portrait
from elp.render.renderer import Renderer
from elp.render.warping import WarpRenderer

__all__ = [
    "PROVENANCE",
    "RENDERERS",
    "Portrait",
    "Renderer",
    "WarpRenderer",
    "blink_control",
    "render",
    "side_by_side",
]
