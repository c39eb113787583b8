"""What is measured on real and simulated smiles alike, on series whose answer is known."""

import numpy as np
import pytest

from elp.motion import FPS
from elp.simulator.processes import drift
from experiments.simulator_rows import LAGS, PIECE, Pairs, coupling, gazing, linear_share, smiles


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    """40 minutes in which the second repeats half of what the first did a second before, under
    something of their own of equal variance.
    """
    rng = np.random.default_rng(0)
    late = round(FPS)
    found = []
    for _ in range(40):
        first, own = drift(rng, PIECE + late, 2.0, 1.0, width=2).T
        found.append((first[late:], first[:-late] + own[late:]))
    return found


def test_coupling_peaks_where_the_second_follows(pairs: Pairs) -> None:
    assert abs(LAGS[coupling(pairs, 1).argmax()] - 1.0) < 0.21
    assert abs(coupling(pairs, 1).max() - np.sqrt(0.5)) < 0.05
    assert coupling(pairs, -1).argmax() == 0


def test_strangers_are_at_chance_and_half_is_explained(pairs: Pairs) -> None:
    row = smiles(pairs)
    assert np.abs(row["strangers"]).max() < 0.1
    assert np.allclose(row["coupling"], (coupling(pairs, 1) + coupling(pairs, -1)) / 2, atol=1e-3)
    # the delay turns the phase within a band, which costs a part
    assert 0.3 < row["linear_share"] < 0.55
    shuffled = [(x, pairs[k - 1][1]) for k, (x, _) in enumerate(pairs)]
    assert linear_share(shuffled) < 0.03
    assert abs(row["autocorrelation_s"] - 2.0) < 0.4


def test_looks_are_counted_by_length() -> None:
    looked = np.repeat([False, True, False, True], [25, 50, 50, 75])
    assert gazing([looked]) == {"share": 0.625, "median_s": 2.5}
