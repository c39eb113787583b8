"""The face mesh and smooth displacement fields on it (chapter "Parameter extraction")."""

# P point, F triangle
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from elp.face.landmarks import LIDS, LIPS

Array = NDArray[np.float64]
Triangles = NDArray[np.int64]
Handles = Mapping[int, tuple[float, float, float]]


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
    """(46, 3) triangles that close the eyes (2 × 14), then the mouth (18): strips between the two
    lids, the two lips.
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


def laplacian(points: Array, triangles: Triangles) -> tuple[sparse.csr_matrix, Array]:
    """Cotangent Laplacian (P, P), positive semi-definite, and the area (P,) of each point in
    cm².
    """
    n = len(points)
    a, b, c = (points[triangles[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    weights = sparse.coo_matrix((n, n))
    for k in range(3):
        i, j, o = (triangles[:, (k + s) % 3] for s in (1, 2, 0))
        u, v = points[i] - points[o], points[j] - points[o]
        cot = (u * v).sum(1) / np.maximum(np.linalg.norm(np.cross(u, v), axis=1), 1e-6)
        # clipped: slivers at the nostrils
        weights = weights + sparse.coo_matrix((np.clip(cot, 0.05, 10) / 2, (i, j)), shape=(n, n))
    weights = (weights + weights.T).tocsr()
    mass = np.bincount(triangles.ravel(), np.repeat(area / 3, 3), n).astype(np.float64)
    return sparse.diags(np.asarray(weights.sum(1)).ravel()) - weights, mass


def distances(points: Array, triangles: Triangles, sources: Iterable[int]) -> Array:
    """(P,) length in cm of the shortest way along the mesh's edges to the nearest of `sources`."""
    i, j = np.vstack([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]).T
    graph = sparse.csr_matrix(
        (np.linalg.norm(points[i] - points[j], axis=1), (i, j)), shape=(len(points),) * 2
    )
    graph = graph.maximum(graph.T)
    return dijkstra(graph, directed=False, indices=list(sources), min_only=True)


def field(points: Array, triangles: Triangles, handles: Handles, radius: float) -> Array:
    """(P, 3) smoothest displacement that takes each handle where it should go and fades to 0 at
    `radius` cm along the skin.

    Minimises the thin-plate energy ‖M^-½ L u‖² (L the Laplacian, M the areas). The mesh is open at
    eyes and mouth, so one lip or lid moves without the other.
    """
    lap, mass = laplacian(points, triangles)
    plate = (lap.T @ sparse.diags(1 / np.maximum(mass, 1e-3)) @ lap).toarray()
    u = np.zeros_like(points)
    keys = np.array(sorted(handles))
    u[keys] = [handles[k] for k in keys]
    free = distances(points, triangles, keys) < radius
    free[keys] = False
    u[free] = np.linalg.solve(plate[np.ix_(free, free)], -plate[np.ix_(free, keys)] @ u[keys])
    return u
