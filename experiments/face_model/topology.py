"""Triangles of the face mesh: from its edges, and those that close eyes and mouth."""

# F triangle
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from elp.face.landmarks import LIDS, LIPS
from elp.face.mesh import Triangles


def triangles_of(edges: Iterable[tuple[int, int]]) -> Triangles:
    """(F, 3) consistently turned triangles of a mesh that is given by its edges alone.

    Three points joined pairwise are a triangle unless each of their edges belongs to two others
    already.
    """
    unique = sorted({(min(e), max(e)) for e in edges})
    near: dict[int, set[int]] = {}
    for i, j in unique:
        near.setdefault(i, set()).add(j)
        near.setdefault(j, set()).add(i)
    cliques = [(i, j, k) for i, j in unique for k in sorted(near[i] & near[j]) if k > j]
    uses = Counter(e for t in cliques for e in combinations(t, 2))
    return _turn([list(t) for t in cliques if any(uses[e] < 3 for e in combinations(t, 2))])


def _turn(triangles: list[list[int]]) -> Triangles:
    owners: dict[tuple[int, int], list[int]] = {}
    for n, t in enumerate(triangles):
        for e in combinations(sorted(t), 2):
            owners.setdefault(e, []).append(n)
    done, stack = {0}, [0]
    while stack:
        a, b, c = triangles[stack.pop()]
        for x, y in ((a, b), (b, c), (c, a)):
            for n in owners[min(x, y), max(x, y)]:
                if n not in done:
                    p, q, r = triangles[n]
                    # neighbours run through their common edge in opposite senses
                    if (x, y) in ((p, q), (q, r), (r, p)):
                        triangles[n].reverse()
                    done.add(n)
                    stack.append(n)
    return np.array(triangles, np.int64)


def openings(mirror: NDArray[np.int64]) -> Triangles:
    """(46, 3) triangles that close the eyes (2 × 14), then the mouth (18).

    Strips between the two lids, the two lips.
    """
    right = [*LIDS["r"]["upper"], *LIDS["r"]["lower"][-2:0:-1]]
    mouth = [*LIPS["upper_inner"], *LIPS["lower_inner"][-2:0:-1]]
    eye = _strip(right)
    return np.array([*eye, *(mirror[list(t)[::-1]] for t in eye), *_strip(mouth)], np.int64)


def _strip(rim: list[int]) -> list[tuple[int, int, int]]:
    low, high, out = 1, len(rim) - 1, [(rim[0], rim[1], rim[-1])]
    while high - low > 1:
        out.append((rim[low], rim[low + 1], rim[high]))
        low += 1
        if high - low > 1:
            out.append((rim[low], rim[high - 1], rim[high]))
            high -= 1
    return out
