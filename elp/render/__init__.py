"""Section 3.4: motion and one portrait become pixels: `Portrait`, `render`, `side_by_side`.

In: a portrait and a `Motion`. Out: RGB frames of 256 x 256. Chapter "The renderer". The portrait
renderer ("warp") learns nothing; `mesh2video` holds the paper's networks.
"""

from elp.render.blink import blink_control
from elp.render.film import film
from elp.render.frames import PROVENANCE, RENDERERS, prepare, render, side_by_side
from elp.render.manner import Manner
from elp.render.mesh import mesh_frames
from elp.render.portrait import Portrait
from elp.render.renderer import Renderer
from elp.render.warping import WarpRenderer

__all__ = [
    "PROVENANCE",
    "RENDERERS",
    "Manner",
    "Portrait",
    "Renderer",
    "WarpRenderer",
    "blink_control",
    "film",
    "mesh_frames",
    "prepare",
    "render",
    "side_by_side",
]
