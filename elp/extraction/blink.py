"""Eye aspect ratio and blinks (chapter "Parameter extraction")."""

# T frame
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from elp.errors import ElpError
from elp.face.landmarks import EAR_L, EAR_R, IRIS_L, IRIS_R, POINTS, TRACKED, check_points
from elp.motion import runs

# of a person's open-eye EAR, the mean of both eyes, whose lids rarely move alike: a blink is a run
# below the second that somewhere falls below the first
SHUT, REOPENED = 0.56, 0.6
WINK = 0.8  # of one eye's: an eye that stays wider open does not blink
# of the iris's diameter: lids farther apart show the iris, of a person who looks down or squints
COVERED = 0.45
MINIMUM = 2  # frames: a shorter dip is the tracker's


def ear(points: NDArray[np.floating]) -> NDArray[np.float32]:
    """Eye aspect ratio (|p2 - p6| + |p3 - p5|) / (2 |p1 - p4|) of the right and the left eye.

    About 0.3 for an open eye, half of it or less for a shut one (Soukupová and Čech 2016). The
    paper's φ compares the inverse, `1 / ear(points)`, which exceeds its threshold when the eye is
    shut.

    Args:
        points: (T, 468 or 478, 2 or 3) landmarks; with depth, distances are measured in space, so
            that a turned head keeps its ratio.

    Returns:
        (T, 2) float32, NaN where the points are.

    Raises:
        ElpError: the points have another shape.
    """
    points = np.asarray(points, np.float32)
    check_points(points, POINTS)
    return _height_over(points, ((EAR_R, EAR_R[0], EAR_R[3]), (EAR_L, EAR_L[0], EAR_L[3])))


def lid_aperture(points: NDArray[np.floating]) -> NDArray[np.float32]:
    """Distance of the lids of the right and the left eye, in diameters of their irises.

    An iris is about 12 mm wide in everybody.

    Args:
        points: (T, 478, 2 or 3) landmarks with irises.

    Returns:
        (T, 2) float32, NaN where the points are: 0.5 to 0.8 for open eyes, below 0.4 for shut ones.

    Raises:
        ElpError: the points have another shape.
    """
    points = np.asarray(points, np.float32)
    check_points(points, TRACKED)
    # the left and right end of an iris: lids do not hide them
    return _height_over(points, ((EAR_R, IRIS_R[1], IRIS_R[3]), (EAR_L, IRIS_L[1], IRIS_L[3])))


def _height_over(
    points: NDArray[np.floating], eyes: tuple[tuple[tuple[int, ...], int, int], ...]
) -> NDArray[np.float32]:
    """(T, 2) mean distance of two pairs of lid points over that of two other points."""
    out = []
    for eye, one, other in eyes:
        _, p2, p3, _, p5, p6 = (points[:, k] for k in eye)
        high = np.linalg.norm(p2 - p6, axis=-1) + np.linalg.norm(p3 - p5, axis=-1)
        wide = np.linalg.norm(points[:, one] - points[:, other], axis=-1)
        out.append(high / np.maximum(2 * wide, 1e-6))
    return np.stack(out, -1)


def open_ear(ratio: NDArray[np.floating]) -> NDArray[np.float32]:
    """(2,) EAR of this person's open eyes: 70th percentile over the clip, which no blinks move."""
    seen = np.isfinite(ratio).all(1)
    if not seen.any():
        return np.full(2, np.nan, np.float32)
    return np.percentile(ratio[seen], 70, axis=0).astype(np.float32)


def blink(
    ratio: NDArray[np.floating],
    *,
    iris: NDArray[np.floating] | None = None,
    threshold: float | None = None,
    minimum: int = MINIMUM,
) -> NDArray[np.uint8]:
    """Blink state φ: 1 while both eyes are shut (ELP, section 3.2).

    Args:
        ratio: (T, 2) eye aspect ratios of the two eyes.
        iris: (T, 2) what `lid_aperture` gives: a dip in which the more open
            eye never covers its iris by half is no blink.
        threshold: EAR below which an eye is shut; None compares with the
            person's own open eyes: a blink is a run of frames in which both
            eyes lie below 0.6 of their open ratios on average, somewhere
            below 0.56, and neither above 0.8.
        minimum: frames that a blink lasts; shorter dips are dropped.

    Returns:
        (T,) uint8; 0 where the ratio is NaN.
    """
    ratio = np.asarray(ratio, np.float32)
    if ratio.ndim != 2 or ratio.shape[1] != 2:
        raise ElpError(f"ear: expected (T, 2), got {ratio.shape}")
    if threshold is None:
        own = ratio / open_ear(ratio)
        level = np.where(own.max(1) < WINK, own.mean(1), np.inf)
        begin, end = SHUT, REOPENED
    else:
        level, begin, end = ratio.max(1), threshold, threshold
    hidden = np.ones(len(ratio), bool)
    if iris is not None:
        hidden = np.asarray(iris).max(1) < COVERED
    out = np.zeros(len(ratio), np.uint8)
    for first, last in runs(level < end):
        dip = slice(first, last)
        long = last - first >= minimum
        if long and level[dip].min() < begin and hidden[dip].any():
            out[dip] = 1
    return out
