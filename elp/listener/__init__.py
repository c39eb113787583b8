"""The one contract, `respond(speaker, emotion, *, generator)`, and ELP behind it, whole or as a
stream.

In: a speaker's `Clip` and an emotion. Out: the listener's `Motion`. Chapters "Training" and "Your
own video".
"""

from elp.listener.responder import ELPResponder, Emotion, Responder

__all__ = ["ELPResponder", "Emotion", "Responder"]
