"""A listener's motion for other programs: ARKit's blendshapes, an animated mesh, a table of events.

In: a `Motion`, and the speaker's clip. Out: .csv, .glb, .eaf, whole or not at all. Chapter "Live".

`Motion.to_arkit` and `Motion.events` call the functions of this room, which lies above theirs: it
hands them over when it loads, and `import elp` loads it.
"""

from elp.exports.arkit import (
    ROTATIONS,
    SHAPES,
    blendshapes,
    reliability,
    rotations,
    table,
    write_arkit,
)
from elp.exports.events import Event, events, write_events
from elp.exports.files import Exports, check_exports, convert, write_exports
from elp.exports.gltf import write_glb
from elp.motion import EXPORTS

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
    "table",
    "write_arkit",
    "write_events",
    "write_exports",
    "write_glb",
]

EXPORTS["to_arkit"] = table
EXPORTS["events"] = events
