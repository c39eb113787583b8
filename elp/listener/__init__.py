"""The one contract, `respond(speaker, emotion, *, generator)`; ELP behind it; streams on top of it.

In: a speaker's `Clip` and an emotion. Out: the listener's `Motion`. Chapters "Training" and "Your
own video".
"""

from elp.listener.contract import Emotion, Responder, mixture
from elp.listener.responder import ELPResponder
from elp.listener.stream import ResponseStream

__all__ = ["ELPResponder", "Emotion", "Responder", "ResponseStream", "mixture"]
