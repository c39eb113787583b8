"""Every baseline of the paper behind the one contract, `respond(speaker, emotion, *, generator) ->
Motion` (chapter "Results").
"""

from elp.baselines.features import Features, Windows
from elp.baselines.fit import finish
from elp.baselines.l2l import L2L, l2l_fits, train_l2l
from elp.baselines.mirror import Mirror
from elp.baselines.random_codes import RandomCodes
from elp.baselines.rlhg import RLHG, rlhg_fit, train_rlhg
from elp.baselines.simple import (
    MeanFace,
    NearestNeighbour,
    Neighbours,
    RandomListener,
    RetrievedSpeaker,
)

__all__ = [
    "L2L",
    "RLHG",
    "Features",
    "MeanFace",
    "Mirror",
    "NearestNeighbour",
    "Neighbours",
    "RandomCodes",
    "RandomListener",
    "RetrievedSpeaker",
    "Windows",
    "finish",
    "l2l_fits",
    "rlhg_fit",
    "train_l2l",
    "train_rlhg",
]
