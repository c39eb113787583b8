"""Eq 1, Eq 2, D1 and D2: the Adaptive Space Encoder, which reads like the paper.

In: a speaker's MFCC, β and p, and an emotion e. Out: codes U and the listener's β, p and blinks.
Chapters "Style features" and "Base, Transformed, U".
"""

from elp.model.ase import ASE
from elp.model.config import ASEConfig

__all__ = ["ASE", "ASEConfig"]
