"""Corpora of dyads: one format on disk, the published formats, and extraction of many videos.

In: what a corpus's authors ship, or a folder of videos. Out: memory-mapped arrays, an index and a
card. Chapter "Simulated dyads".
"""

from elp.corpus.format import Corpus, Moments
from elp.corpus.writer import Record

__all__ = ["Corpus", "Moments", "Record"]
