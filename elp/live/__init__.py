"""A listener in real time: a camera and a microphone in, 25 frames a second out.

In: a camera, a file, a stream or a pipe. Out: OSC (VMC protocol), Lab Streaming Layer, a websocket,
a virtual camera, a film. Chapter "Live".
"""

from elp.live.listener import Listener
from elp.live.loop import Report, listen
from elp.live.outputs import Frame, Output
from elp.live.pipe import Pipe
from elp.live.source import Camera, File
from elp.live.taken import Source, Taken

__all__ = [
    "Camera",
    "File",
    "Frame",
    "Listener",
    "Output",
    "Pipe",
    "Report",
    "Source",
    "Taken",
    "listen",
]
