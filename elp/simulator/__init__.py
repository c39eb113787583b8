"""Dyads with known truth: somebody talks, somebody listens, and we know why they moved.

In: a preset and a seed. Out: a corpus, the same bytes for the same seed; another true answer of the
same listener (`oracle`). Chapter "Simulated dyads".
"""

from elp.simulator.dyads import oracle, simulate

__all__ = ["oracle", "simulate"]
