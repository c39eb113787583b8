"""Means and co-variations of all clips' values from those of single clips, without the loss of
digits that sums of squares bring.
"""

# C clip, B weighting of the clips, V variable
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from elp.metrics.clips import Doubles


class Moments(NamedTuple):
    """How many values, their means (B, V) and (B, V, V) sums of products about those means."""

    number: Doubles
    mean: Doubles
    products: Doubles


def moments(*variables: Doubles) -> Doubles:
    """A clip's 1 + V + V² terms: count, means and products about the means of V variables, given as
    arrays of n values each, flattened.
    """
    values = np.stack([x.ravel() for x in variables])
    count = values.shape[1]
    means = values.mean(1) if count else np.zeros(len(values))
    gap = values - means[:, None]
    return np.concatenate([[count], means, (gap @ gap.T).ravel()])


def together(terms: Doubles, weights: Doubles) -> Moments:
    """Of all clips' values together, under B weightings of (C, 1 + V + V²) terms."""
    width = round(np.sqrt(terms.shape[1] - 0.75) - 0.5)
    counts = weights * terms[:, 0]
    count = np.maximum(counts.sum(1), 1e-300)
    means, products = terms[:, 1 : 1 + width], terms[:, 1 + width :]
    mean = counts @ means / count[:, None]
    gap = means - mean[:, None]  # (B, C, V)
    between = np.einsum("bc,bcv,bcw->bvw", counts, gap, gap)
    return Moments(count, mean, (weights @ products).reshape(-1, width, width) + between)
