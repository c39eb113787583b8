"""Every baseline of the paper behind the one contract, `respond(speaker, emotion, *, generator) -> Motion` (chapter "Results")."""

from elp.baselines.features import Features, Windows
from elp.baselines.l2l import L2L, train_l2l
from elp.baselines.rlhg import RLHG, train_rlhg
from elp.baselines.simple import MeanFace, NearestNeighbour, Neighbours, RandomCodes, RandomListener, RetrievedSpeaker

__all__ = [
    "L2L", "RLHG", "Features", "MeanFace", "NearestNeighbour", "Neighbours", "RandomCodes", "RandomListener", "RetrievedSpeaker",
    "Windows", "train_l2l", "train_rlhg",
]  # fmt: skip
