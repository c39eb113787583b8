"""The person cut from the picture, and the background continued behind (chapter "The renderer")."""

# S side of the picture in pixels
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]  # float32: OpenCV's own annotations are too wide to be checked
Image = NDArray[Any]  # uint8


def matte(image: Image, face: NDArray[np.float32]) -> Floats:
    """How much of each pixel belongs to the person, refined along the picture's edges.

    Args:
        image: (S, S, 3) uint8 RGB.
        face: (N, 2) outline of the face in pixels, which is always inside.

    Returns:
        (S, S) float32 in [0, 1]; all ones where the network does not find the person around that
        face: the picture is then warped as one piece.
    """
    import cv2

    from elp.media.track import vision

    side, seen = len(image), vision().person(image)
    inside = np.zeros((side, side), np.uint8)
    cv2.fillPoly(inside, [np.round(face).astype(np.int32)], 1)
    if seen[inside > 0].mean() < 0.8:
        return np.ones((side, side), np.float32)
    seen = np.maximum(seen, inside)
    count, labels = cv2.connectedComponents((seen > 0.35).astype(np.uint8))
    person = np.argmax(np.bincount(labels[inside > 0], minlength=count))
    _, hole_labels = cv2.connectedComponents((labels != person).astype(np.uint8))
    border = np.unique(
        np.concatenate([hole_labels[0], hole_labels[-1], hole_labels[:, 0], hole_labels[:, -1]])
    )
    seen = np.where(
        np.isin(hole_labels, border) | (hole_labels == 0), np.where(labels == person, seen, 0), 1
    )
    refined = guided(np.asarray(seen, np.float32), image, max(2, side // 64))
    return np.clip((refined - 0.3) / 0.5, 0, 1).astype(np.float32)


def guided(mask: Floats, image: Image, radius: int, epsilon: float = 1e-3) -> Floats:
    """Guided filter (He et al., 2010): `mask` smoothed, but kept sharp along the picture's edges.

    Our own, for OpenCV has it in its contrib wheel only, which is none of our dependencies.
    """
    import cv2

    guide = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255

    def mean(x: Floats) -> Floats:
        return cv2.blur(x, (2 * radius + 1,) * 2)

    slope = (mean(guide * mask) - mean(guide) * mean(mask)) / (
        mean(guide * guide) - mean(guide) ** 2 + epsilon
    )
    return mean(slope) * guide + mean(mean(mask) - slope * mean(guide))


def inpaint_background(image: Floats, hidden: Floats) -> Floats:
    """The picture continued into the `hidden` area: mirrored near its edge, smooth far from it.

    Args:
        image: (S, S, 3) float32.
        hidden: (S, S) float32, above 0 where the picture must not be used.

    Returns:
        (S, S, 3) float32, equal to `image` where `hidden` is 0.
    """
    import cv2

    side = len(image)
    known = (hidden <= 0).astype(np.uint8)
    if known.mean() < 0.01 or known.all():
        return image
    far, labels = cv2.distanceTransformWithLabels(
        1 - known, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    ys, xs = np.nonzero(known)
    order = np.zeros(labels.max() + 1, np.int64)
    order[labels[ys, xs]] = np.arange(len(ys))
    near = order[labels]
    y, x = np.mgrid[:side, :side]
    mirror_y, mirror_x = 2 * ys[near] - y, 2 * xs[near] - x
    fits = (mirror_y >= 0) & (mirror_y < side) & (mirror_x >= 0) & (mirror_x < side)
    mirror_y, mirror_x = np.clip(mirror_y, 0, side - 1), np.clip(mirror_x, 0, side - 1)
    jump = np.hypot(
        *(
            np.abs(np.diff(m, axis=1, prepend=m[:, :1])) + np.abs(np.diff(m, axis=0, prepend=m[:1]))
            for m in (mirror_y, mirror_x)
        )
    )
    seam = cv2.dilate((jump > 4).astype(np.uint8), np.ones((3, 3), np.uint8)) * (far > 2)
    weight = (fits & (known[mirror_y, mirror_x] > 0) & (seam == 0)).astype(np.float32) * np.clip(
        1 - far / (side * 0.12), 0, 1
    )
    weight = np.where(far > 2, cv2.GaussianBlur(weight, (0, 0), side / 120) * weight, weight)[
        ..., None
    ]
    smooth = pyramid_fill(image, known.astype(np.float32))
    mirrored = cv2.GaussianBlur(image[mirror_y, mirror_x], (0, 0), 0.7)
    filled = weight * mirrored + (1 - weight) * smooth
    return np.where(known[..., None] > 0, image, filled).astype(np.float32)


def pyramid_fill(image: Floats, known: Floats) -> Floats:
    """Unknown pixels from the known ones around them, coarse to fine (push-pull)."""
    import cv2

    if len(image) <= 4:
        total = known.sum()
        mean = (image * known[..., None]).sum((0, 1)) / max(total, 1e-6)
        return np.where(known[..., None] > 0, image, mean).astype(np.float32)
    half = (len(image) + 1) // 2
    weight = cv2.resize(known, (half, half), interpolation=cv2.INTER_AREA)
    colour = (
        cv2.resize(image * known[..., None], (half, half), interpolation=cv2.INTER_AREA)
        / np.maximum(weight, 1e-6)[..., None]
    )
    coarse = pyramid_fill(colour, np.minimum(1, weight * 4))
    up = cv2.resize(coarse, (len(image),) * 2, interpolation=cv2.INTER_LINEAR)
    return known[..., None] * image + (1 - known[..., None]) * up


def extend(image: Floats, back: Floats, matte: Floats, pad: int) -> tuple[Floats, Floats, Floats]:
    """Picture, wall and person, continued beyond the picture's edges for a head that moves.

    Colours are mirrored at the edges, who is who is repeated; hair that the upper edge cuts gets a
    round top.

    Args:
        image: (S, S, 3) float32.
        back: (S, S, 3) float32, the background behind the person.
        matte: (S, S) float32.
        pad: pixels to add on each side.

    Returns:
        image and back (S + 2 pad, S + 2 pad, 3), equal where there is nobody beyond the edges, for
        there the mirrored person is nobody either; matte (S + 2 pad, S + 2 pad, 1).
    """
    side = len(matte)
    cover = np.pad(matte, pad, mode="edge")
    cover[:pad] = 0
    edges = np.diff(np.concatenate([[0], matte[0] > 0.5, [0]]).astype(int))
    y = np.arange(pad, 0, -1)[:, None]
    for a, b in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
        x = (np.arange(side) + 0.5 - (a + b) / 2) / ((b - a) / 2)
        dome = min(0.3 * (b - a), 0.9 * pad) * np.sqrt(np.clip(1 - x * x, 0, 1))
        cover[:pad, pad:-pad] = np.maximum(
            cover[:pad, pad:-pad], np.clip((dome - y) / (0.008 * side) + 0.5, 0, 1) * (dome > 0)
        )
    beyond = np.pad(np.zeros((side, side), bool), pad, constant_values=True)
    nobody = beyond & (cover < 0.02)
    cover[nobody] = 0
    frame = [(pad, pad), (pad, pad), (0, 0)]
    wide, wall = (np.pad(x, frame, mode="reflect") for x in (image, back))
    wide[nobody] = wall[nobody]
    return wide, wall, cover[..., None]
