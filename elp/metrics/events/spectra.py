"""How a head moves: the power of each axis at slow and fast rates, speed, and rest (chapter
"Metrics").
"""

# C clip, T frame, A axis, B band
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from elp.errors import ElpError
from elp.metrics.clips import ClipsLike, Doubles, as_clips
from elp.metrics.events.modulation import divide, median, share, summed
from elp.metrics.metric import Case, Metric
from elp.motion import FPS

AXES = ("pitch", "yaw", "roll")
BANDS = ((0.1, 0.5), (0.5, 1.0), (1.0, 4.0), (4.0, 12.6))  # Hz: posture, sway, nods, tremble
SEGMENT = 128  # frames: 5.12 s resolve 0.2 Hz
# s over which speed is taken: from frame to frame a tracker's noise alone gives several deg/s
LAG = 0.2
REST = 2.0  # deg/s below which a head is at rest
STEP, FASTEST = 0.25, 200.0  # deg/s: of the speeds' histogram; faster ones count as its last


def band_terms(rotation: ClipsLike, *, valid: Any = None, fps: float = FPS) -> Doubles:
    """Band powers of each axis by Welch's method (Hann windows of 5.12 s, half overlapping, their
    means taken out).

    Args:
        rotation: C arrays (T_c, 3) in radians: pitch, yaw, roll; NaN rows are unseen.

    Returns:
        (C, 3, 5): power in deg² in the four `BANDS`, and 1; zeros for a clip without a whole
            segment.
    """
    from scipy.signal import periodogram

    rows = np.zeros((len(rotation), len(AXES), len(BANDS) + 1))
    for row, clip in zip(rows, _rotations(rotation, valid), strict=True):
        if len(clip) < SEGMENT:
            continue
        segments = sliding_window_view(np.rad2deg(clip), SEGMENT, 0)[:: SEGMENT // 2]  # (n, A, T)
        segments = segments[np.isfinite(segments).all((1, 2))]
        if len(segments):
            hertz, density = periodogram(segments, fps, "hann", detrend="constant")
            for band, (low, high) in enumerate(BANDS):
                row[:, band] = density[..., (hertz >= low) & (hertz < high)].sum(-1).mean(0)
            row[:, :-1] *= hertz[1]
            row[:, -1] = 1
    return rows


def band_power(totals: Doubles) -> Doubles:
    """Mean over clips of the power in each axis and band (deg²): (..., 3, 5) sums of `band_terms`
    -> (..., 3, 4); match the ground truth.
    """
    return divide(totals[..., :-1], totals[..., -1:])


def speed_terms(rotation: ClipsLike, *, valid: Any = None, fps: float = FPS) -> Doubles:
    """(C, N) in how many frames the head turns with a speed of 0 to 0.25, 0.25 to 0.5, ... deg/s.

    The speed is the angle, about whatever axis, between orientations 0.2 s apart, over 0.2 s.
    """
    from scipy.spatial.transform import Rotation

    rows, lag = [], round(LAG * fps)
    for clip in _rotations(rotation, valid):
        before, after = clip[:-lag], clip[lag:]
        pair = np.isfinite(before).all(1) & np.isfinite(after).all(1)
        speed = np.zeros(0)
        if pair.any():
            turn = Rotation.from_rotvec(before[pair]).inv() * Rotation.from_rotvec(after[pair])
            speed = np.rad2deg(turn.magnitude()) * fps / lag
        at = np.minimum((speed / STEP).astype(np.int64), round(FASTEST / STEP) - 1)
        rows.append(np.bincount(at, minlength=round(FASTEST / STEP)).astype(np.float64))
    return np.stack(rows)


def rest_share(totals: Doubles) -> Doubles:
    """Share of frames in which the head turns slower than 2 deg/s, of sums of `speed_terms`; match
    the ground truth.
    """
    slow = totals[..., : round(REST / STEP)].sum(-1)
    return share(np.stack([slow, totals.sum(-1)], -1))


def median_speed(totals: Doubles) -> Doubles:
    """Median speed of the head in deg/s, to 0.125; match the ground truth."""
    return median(totals, (np.arange(totals.shape[-1]) + 0.5) * STEP)


def _rotations(rotation: ClipsLike, valid: Any) -> list[Doubles]:
    clips = as_clips("rotation", rotation, valid)
    if clips[0].shape[1] != len(AXES):
        raise ElpError(f"rotation of shape {clips[0].shape}: give (T, 3): {', '.join(AXES)}")
    return clips


def _bands(case: Case) -> Doubles:
    return band_terms(case.pred, valid=case.valid, fps=case.fps)


def _speeds(case: Case) -> Doubles:
    return speed_terms(case.pred, valid=case.valid, fps=case.fps)


def _power(axis: int, band: int) -> Callable[[Doubles], Doubles]:
    def one(totals: Doubles) -> Doubles:
        return band_power(totals)[..., axis, band]

    return one


_HEAD: dict[str, Any] = {
    "direction": "match",
    "over": ("rotation",),
    "key": "{name}",
    "own": True,
    "added": False,
    "tabled": True,
}
METRICS = (
    *(
        Metric(
            name=f"{axis}_{low:g}hz",
            title=f"{axis} {low:g}-{high:g} Hz",
            unit="deg²",
            convention="power in the band, Hann windows of 5.12 s, mean over clips",
            terms=_bands,
            reduce=summed(_power(number, band)),
            **_HEAD,
        )
        for number, axis in enumerate(AXES)
        for band, (low, high) in enumerate(BANDS)
    ),
    Metric(
        name="rest_share",
        title="rest",
        unit="1",
        convention="share of frames in which the head turns slower than 2 deg/s, over 0.2 s",
        terms=_speeds,
        reduce=summed(rest_share),
        **_HEAD,
    ),
    Metric(
        name="head_speed",
        title="speed",
        unit="deg/s",
        convention="median of the angle between orientations 0.2 s apart, over 0.2 s",
        terms=_speeds,
        reduce=summed(median_speed),
        **_HEAD,
    ),
)
