"""A listener's motion for other programs: ARKit's blendshapes, an animated mesh, a table of events.

In: a `Motion`, and the speaker's clip. Out: .csv, .glb, .eaf, whole or not at all. Chapter "Live".

These are functions and no methods of `Motion`: it lies below the face model and the metrics that
they need.
"""

from elp.exports.arkit import (
    ROTATIONS,
    SHAPES,
    blendshapes,
    reliability,
    rotations,
    write_arkit,
)
from elp.exports.events import Event, events, write_events
from elp.exports.files import Exports, check_exports, convert, write_exports
from elp.exports.gltf import write_glb

__all__ = [
    "ROTATIONS",
    "SHAPES",
    "Event",
    "Exports",
    "blendshapes",
    "check_exports",
    "convert",
    "events",
    "reliability",
    "rotations",
    "write_arkit",
    "write_events",
    "write_exports",
    "write_glb",
]
