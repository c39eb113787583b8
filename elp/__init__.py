"""Emotional Listener Portrait: how a listener responds to a speaker, under a chosen or inferred
emotion.
"""

from elp.errors import ElpError
from elp.extraction.pipeline import extract
from elp.motion import Clip, Motion
from elp.respond import respond

__all__ = ["Clip", "ElpError", "Motion", "extract", "respond"]
