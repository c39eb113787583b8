"""Re-posing one portrait through its fitted mesh: `Portrait`, `render`, `side_by_side` (chapter "The renderer")."""

from elp.render.blink import blink_control
from elp.render.frames import PROVENANCE, Renderer, render, side_by_side
from elp.render.portrait import Portrait

__all__ = ["PROVENANCE", "Portrait", "Renderer", "blink_control", "render", "side_by_side"]
