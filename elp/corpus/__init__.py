"""Corpora: one format on disk, simulated dyads, the published formats, and extraction of many videos."""

from elp.corpus.format import Corpus, Moments, Starts
from elp.corpus.simulate import oracle, simulate
from elp.corpus.writer import Record

__all__ = ["Corpus", "Moments", "Record", "Starts", "oracle", "simulate"]
