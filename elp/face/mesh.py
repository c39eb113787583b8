"""Smooth displacement fields on a face mesh (chapter "Parameter extraction")."""

# P point, F triangle
from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

Array = NDArray[np.float64]
Triangles = NDArray[np.int64]
Handles = Mapping[int, tuple[float, float, float]]


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


def field(
    points: Array,
    triangles: Triangles,
    handles: Handles,
    radius: float,
) -> Array:
    """(P, 3) smoothest displacement that takes each handle where it goes.

    It fades to 0 at `radius` cm along the skin and minimises the energy of
    a thin plate, ‖M^-½ L u‖² (L the Laplacian, M the areas). The mesh is
    open at eyes and mouth, so one lip or lid moves without the other.
    """
    lap, mass = laplacian(points, triangles)
    inverse = sparse.diags(1 / np.maximum(mass, 1e-3))
    plate = (lap.T @ inverse @ lap).toarray()
    u = np.zeros_like(points)
    keys = np.array(sorted(handles))
    u[keys] = [handles[k] for k in keys]
    free = distances(points, triangles, keys) < radius
    free[keys] = False
    given = -plate[np.ix_(free, keys)] @ u[keys]
    u[free] = np.linalg.solve(plate[np.ix_(free, free)], given)
    return u
