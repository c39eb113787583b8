"""Sections 3.1 and 3.2 of the paper: from a video to what the face did.

In: a video. Out: a `Clip` of β, p, φ and MFCC at 25 frames a second. Chapter "Parameter
extraction".
"""

from elp.extraction.pipeline import extract

__all__ = ["extract"]
