"""The portrait as a 3-D mesh that covers the whole picture (chapter "The renderer")."""

# P face point (468), V vertex, F triangle
from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from elp.render.topology import LIP_LOWER, LIP_UPPER, LOWER, OVAL, POINTS, UPPER

Floats = NDArray[Any]  # float32: OpenCV's own annotations are too wide to be checked
Triangles = NDArray[np.integer[Any]]
# of points around the face outline, in radii
RINGS = (1.07, 1.16, 1.28, 1.42, 1.6, 1.82, 2.1, 2.5, 3.2, 4.5)
COARSE = 2.0  # rings beyond hold every second point
GRAZING = 0.25  # cosine between skin and view below which the portrait does not really show a point
LASH = 0.3  # where the lash line ends, between the lid margin (0) and the next ring (1)

OPENINGS = [(UPPER[e][0], LOWER[e][0]) for e in "rl"] + [(LIP_UPPER, LIP_LOWER)]
UNDER = sum(2 * len(upper) - 4 for upper, _ in OPENINGS)  # triangles inside eyes and mouth


@dataclass(frozen=True, kw_only=True)
class Rig:
    """Vertices of the picture and what moves each of them.

    Attributes:
        rest: (V, 2) float32, vertices in source pixels; the first 468 are the face model's points.
        depth: (V,) float32, distance from the camera in cm.
        weight: (V,) float32 in [0, 1]: 1 follows the head, 0 stays with the picture.
        spread: (V, 468) float32: displacement of each vertex from those of the face points.
        triangles: (F, 3) int64, front side turned to the camera; the first `UNDER` lie inside eyes
            and mouth.
        hidden: (H,) int64, vertices that the portrait does not show.
        follow: (H, V) float32, their displacement from that of the others.
        lash: (2 eyes, 2 lids, 7) indices of the lash vertices; eyes in the order r, l; lids upper,
            lower.
    """

    rest: Floats
    depth: Floats
    weight: Floats
    spread: Floats
    triangles: Triangles
    hidden: NDArray[np.int64]
    follow: Floats
    lash: NDArray[np.int64]


def build(points: Floats, depth: Floats, triangles: Triangles, side: int, focal: float) -> Rig:
    """A mesh over the whole picture from the face points.

    Args:
        points: (468, 2) face points in pixels of the square picture.
        depth: (468,) their distance from the camera in cm.
        triangles: (F, 3) of the face model; eyes and mouth may be open or closed in it.
        side: of the picture in pixels.
    """
    lash, lash_spread, faces = _lashes(_close(triangles))
    ring_points, ring_depth, ring_weight, ring_spread = _rings(points, depth)
    first = POINTS + lash.size
    rest = np.concatenate([points, lash_spread @ points, ring_points])
    faces = np.concatenate([faces, _like(faces, _ring_triangles(first))])
    corner = rest[faces]
    a, b = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
    if np.median(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) < 0:
        faces = faces[:, ::-1]
    hidden, follow = _hidden(points, depth, triangles, faces, len(rest), side, focal)
    # unfolded: any place will do for what is not seen, if the mesh stays flat
    rest[hidden] = follow @ rest
    return Rig(
        hidden=hidden,
        follow=follow,
        rest=rest.astype(np.float32),
        depth=np.concatenate([depth, lash_spread @ depth, ring_depth]).astype(np.float32),
        weight=np.concatenate([np.ones(first), ring_weight]).astype(np.float32),
        spread=np.concatenate([np.eye(POINTS), lash_spread, ring_spread]).astype(np.float32),
        triangles=np.ascontiguousarray(faces),
        lash=lash,
    )


def _hidden(
    points: Floats,
    depth: Floats,
    triangles: Triangles,
    faces: Triangles,
    count: int,
    side: int,
    focal: float,
) -> tuple[NDArray[np.int64], Floats]:
    """Points seen at a grazing angle or from behind, and the harmonic extension that lets them
    follow their neighbours.

    Turned by their own depth they would bring skin into view that the portrait never showed.
    """
    solid = np.column_stack([(points - side / 2) / focal, np.ones(len(points))]) * depth[:, None]
    a, b, c = (solid[triangles[:, k]] for k in range(3))
    area = np.cross(b - a, c - a)
    normal = np.zeros_like(solid)
    for k in range(3):
        np.add.at(normal, triangles[:, k], area)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    facing = -(normal * solid).sum(1) / np.linalg.norm(solid, axis=1)
    facing *= np.sign(np.median(facing))
    features = np.concatenate(
        [UPPER[e][:2].ravel() for e in "rl"]
        + [LOWER[e][:2].ravel() for e in "rl"]
        + [LIP_UPPER, LIP_LOWER]
    )
    away = facing < GRAZING
    away[features] = False
    ring = np.zeros((len(RINGS), len(OVAL)), bool)
    ring[np.array(RINGS) < 1.3] = away[OVAL]
    loose = np.zeros(count, bool)
    loose[:POINTS], loose[count - ring.size :] = away, ring.ravel()
    i, j = np.vstack([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).T
    graph = sparse.coo_matrix((np.ones(len(i)), (i, j)), shape=(count, count)).tocsr()
    graph = ((graph + graph.T) > 0).astype(float)
    laplacian = (sparse.diags(np.asarray(graph.sum(1)).ravel()) - graph).toarray()
    hidden, shown = np.flatnonzero(loose), np.flatnonzero(~loose)
    follow = np.zeros((len(hidden), count))
    follow[:, shown] = np.linalg.solve(
        laplacian[np.ix_(hidden, hidden)], -laplacian[np.ix_(hidden, shown)]
    )
    return hidden, follow.astype(np.float32)


def strip(upper: NDArray[np.int64], lower: NDArray[np.int64]) -> Triangles:
    """Triangles between two rows of equal length, turned the same way.

    Collapsed ones are left out.
    """
    quads = [
        ((a, b, c), (b, d, c))
        for a, b, c, d in zip(upper, upper[1:], lower, lower[1:], strict=False)
    ]
    every = np.array([t for pair in quads for t in pair], np.int64)
    return every[[len(set(t)) == 3 for t in every.tolist()]]


def _close(triangles: Triangles) -> Triangles:
    """The model's triangles with eyes and mouth closed by strips, which come first.

    There are `UNDER` of them.
    """
    for upper, lower in OPENINGS:
        inside = np.isin(triangles, np.concatenate([upper, lower])).all(1)
        triangles = np.concatenate(
            [_like(triangles[~inside], strip(upper, lower)), triangles[~inside]]
        )
    return triangles


def _like(mesh: Triangles, patch: Triangles) -> Triangles:
    """`patch` turned so that it runs through the edges it shares with `mesh` in the opposite
    sense.
    """
    edges = {(int(t[i]), int(t[(i + 1) % 3])) for t in mesh for i in range(3)}
    same = sum((int(t[i]), int(t[(i + 1) % 3])) in edges for t in patch for i in range(3))
    return patch[:, ::-1] if same else patch


def _lashes(triangles: Triangles) -> tuple[NDArray[np.int64], Floats, Triangles]:
    """Split the band around each lid margin.

    So the lashes move with the margin and only skin stretches.
    """
    index = np.zeros((2, 2, 7), np.int64)
    spread = np.zeros((28, POINTS))
    at = 0
    for e, eye in enumerate("rl"):
        for k, lid in enumerate((UPPER[eye], LOWER[eye])):
            margin, ring = lid[0], lid[1]
            line = POINTS + at + np.arange(7)
            index[e, k] = line
            spread[at + np.arange(7), margin[1:-1]] = 1 - LASH
            spread[at + np.arange(7), ring[1:-1]] = LASH
            at += 7
            of_margin, of_ring = np.isin(triangles, margin), np.isin(triangles, ring)
            band = np.asarray((of_margin | of_ring).all(1) & of_margin.any(1) & of_ring.any(1))
            row = np.concatenate([margin[:1], line, margin[-1:]])
            patch = np.concatenate([strip(margin, row), strip(row, ring)])
            assert not band[:UNDER].any(), "a triangle inside an eye touches the ring around it"
            triangles = np.concatenate([triangles[~band], _like(triangles[~band], patch)])
    return index, spread, triangles


def _rings(points: Floats, depth: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Rings around the face outline: skull and hair fall back in depth, the neck lets go."""
    outline = points[OVAL]
    centre = (outline.max(0) + outline.min(0)) / 2
    top, chin = points[10], points[152]
    height = np.linalg.norm(top - chin)
    up = (top - chin) / height
    across = np.array([-up[1], up[0]])
    radius = np.linalg.norm(outline - centre, axis=1).mean()
    angle = np.unwrap(np.arctan2(*(outline - centre).T[::-1]))
    circle = centre + radius * np.stack([np.cos(angle), np.sin(angle)], 1)
    at, far, weight, spread = [], [], [], []
    back = np.percentile(depth, 98) + 2.0  # cm: the silhouette of the skull lies behind the cheeks
    for scale in RINGS:
        round_off = np.clip((scale - 1) / 1.5, 0, 1)
        base = (1 - round_off) * outline + round_off * circle
        ring = centre + scale * (base - centre)
        fall = 0.5 * smooth((scale - 1) / 1.0)
        at.append(ring)
        far.append((1 - fall) * depth[OVAL] + fall * np.maximum(depth[OVAL], back))
        v, h = (ring - (top + chin) / 2) @ up / height, (ring - (top + chin) / 2) @ across / height
        wide = 0.4 + 0.5 * smooth((v + 0.7) / 0.6)  # hair and hat above, only the neck below
        hold = (
            smooth((v + 1.1) / 0.6)
            * (1 - smooth((np.abs(h) - wide) / 0.45))
            * (1 - smooth((v - 1.2) / 0.6))
        )
        weight.append(hold)
        own = np.zeros((len(OVAL), POINTS))
        own[np.arange(len(OVAL)), OVAL] = 1 - smooth((scale - 1) / 0.5)
        spread.append(own)
    return np.concatenate(at), np.concatenate(far), np.concatenate(weight), np.concatenate(spread)


def smooth(x: NDArray[np.floating] | float) -> NDArray[np.floating]:
    """0 below 0, 1 above 1, 3x² - 2x³ between."""
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def _ring_triangles(first: int) -> Triangles:
    n = len(OVAL)
    rows = [OVAL] + [
        first + k * n + np.arange(n) // (1 + (scale > COARSE)) * (1 + (scale > COARSE))
        for k, scale in enumerate(RINGS)
    ]
    return np.concatenate(
        [strip(np.append(a, a[0]), np.append(b, b[0])) for a, b in pairwise(rows)]
    )
