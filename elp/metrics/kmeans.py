"""Lloyd's k-means on the many frames of a corpus: the centres that scikit-learn finds, sooner
(chapter "Metrics").
"""

# N row, D coefficient, K centre
from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from elp.metrics.clips import Doubles, cores, single_threaded

FEW = 10_000  # rows below which scikit-learn itself is quick enough
BLOCK = 16384
ROUNDS, TOLERANCE = 300, 1e-4  # scikit-learn's


def kmeans(rows: Doubles, k: int, seed: int) -> Doubles:
    """(K, D) centres, those of scikit-learn's KMeans(k, random_state=seed, n_init="auto").

    Args:
        rows: (N, D), at least K of them.
    """
    from sklearn.cluster import KMeans, kmeans_plusplus
    from sklearn.exceptions import ConvergenceWarning

    found = None
    if len(rows) >= FEW:
        mean = rows.mean(0)
        centred = rows - mean
        with single_threaded():
            start = kmeans_plusplus(centred, k, random_state=seed)[0]
        found = _Lloyd(centred, start).run()
    if found is not None:
        return found + mean
    with warnings.catch_warnings():
        # fewer different rows than centres: some centres coincide, and stay empty
        warnings.simplefilter("ignore", ConvergenceWarning)
        return KMeans(k, random_state=seed, n_init="auto").fit(rows).cluster_centers_


class _Lloyd:
    """The same rounds of assigning and averaging, in which most rows need not be looked at.

    A row stays with its centre while an upper bound of its distance to it is below a lower bound of
    its distance to all others; both bounds move with the centres (Hamerly 2010). A row in doubt is
    first measured in single precision, in double where the two nearest centres lie closer together
    than the rounding can tell. So every assignment is the exact one.
    """

    def __init__(self, rows: Doubles, centres: Doubles) -> None:
        self.rows, self.short, self.centres = rows, rows.astype(np.float32), centres
        self.square = (rows**2).sum(1)
        self.label = np.zeros(len(rows), np.intp)
        self.upper, self.lower = np.full(len(rows), np.inf), np.zeros(len(rows))
        self.sums, self.counts = np.zeros_like(centres), np.zeros(len(centres))
        self.first = True

    def run(self) -> Doubles | None:
        """The centres; None when one loses all its rows, which scikit-learn mends in a way of its
        own.
        """
        limit = TOLERANCE * self.rows.var(0).mean()
        with single_threaded(), ThreadPoolExecutor(cores()) as pool:
            for _ in range(ROUNDS):
                changes = list(pool.map(self._assign, range(0, len(self.rows), BLOCK)))
                self.first = False
                self.sums += sum(s for s, _, _ in changes)
                self.counts += sum(c for _, c, _ in changes)
                if not self.counts.all():
                    return None
                centres = self.sums / self.counts[:, None]
                drift = np.sqrt(((centres - self.centres) ** 2).sum(1))
                self.centres = centres
                if not any(changed for _, _, changed in changes) or (drift**2).sum() <= limit:
                    break
                self._loosen(drift)
        return self.centres

    def _loosen(self, drift: Doubles) -> None:
        far = int(drift.argmax())
        others = np.full(len(drift), drift[far])
        others[far] = np.delete(drift, far).max(initial=0.0)
        self.upper += drift[self.label]
        self.lower -= others[self.label]

    def _assign(self, start: int) -> tuple[Doubles, Doubles, bool]:
        """Look at one block's rows in doubt; returns what changes in the sums and counts of the
        centres, and whether any label did.
        """
        block = slice(start, start + BLOCK)
        doubt = start + np.flatnonzero(self.upper[block] > self.lower[block])
        old = self.label[doubt]
        self._exact(doubt if self.first else self._unsure(doubt))
        moved = np.ones(len(doubt), bool) if self.first else self.label[doubt] != old
        chosen = doubt[moved]
        step = np.zeros((len(self.centres), len(chosen)))
        if not self.first:
            step[old[moved], np.arange(len(chosen))] = -1
        step[self.label[chosen], np.arange(len(chosen))] = 1
        return step @ self.rows[chosen], step.sum(1), bool(len(chosen))

    def _unsure(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Renew the bounds of the rows whose centre is certainly still the nearest; returns the
        others.
        """
        at, square = (self.label[rows], np.arange(len(rows))), (self.centres**2).sum(1)
        gap = (-2 * self.centres).astype(np.float32) @ self.short[rows].T
        gap += square.astype(np.float32)[:, None]  # the squared distance, less the row's own square
        own = gap[at].astype(np.float64)
        gap[at] = np.inf
        second = gap.min(0).astype(np.float64)
        longest = np.sqrt(square.max())
        rounding = (
            4
            * (self.rows.shape[1] + 8)
            * 2.0**-24
            * longest
            * (np.sqrt(self.square[rows]) + longest)
        )
        sure = second - own > 2 * rounding
        kept = rows[sure]
        self.upper[kept] = np.sqrt(np.maximum((own + rounding)[sure] + self.square[kept], 0))
        self.lower[kept] = np.sqrt(np.maximum((second - rounding)[sure] + self.square[kept], 0))
        return rows[~sure]

    def _exact(self, rows: NDArray[np.intp]) -> None:
        gap = (self.centres**2).sum(1) - 2 * (self.rows[rows] @ self.centres.T)
        label = gap.argmin(1)
        at = (np.arange(len(rows)), label)
        self.label[rows] = label
        self.upper[rows] = np.sqrt(np.maximum(gap[at] + self.square[rows], 0))
        gap[at] = np.inf
        self.lower[rows] = np.sqrt(np.maximum(gap.min(1) + self.square[rows], 0))
