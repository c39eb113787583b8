"""Blink control: φ says when, the eyelid direction says how (ELP, section 3.4; chapter "The
renderer").
"""

# T frame, D expression coefficient
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from elp.face.model import FaceModel
from elp.motion import runs

LIDS = ("blink_l", "blink_r")


def weights(length: int) -> NDArray[np.float32]:
    """(length,) float32 share of the closed eye β_e in each frame of a run.

    Up over L/2, down over L/2, 1 in the middle.

    The run's first frame already moves: were it β1 itself, a run of one or two frames would never
    close.
    """
    k = np.arange(length)
    return (np.minimum(k + 1, length - k) / ((length + 1) // 2)).astype(np.float32)


def blink_control(
    beta: NDArray[np.floating], blink: NDArray[np.uint8], model: FaceModel
) -> NDArray[np.float32]:
    """Close the eyes in every run of φ (ELP, section 3.4).

    With β1 and β2 the lids at a run's start and end: β1 -> β_e over the
    first half, β_e -> β2 over the second.

    Args:
        beta: (T, D) expression coefficients.
        blink: (T,) 0 or 1.
        model: whose `full` closes the lids: the paper's β_e.

    Returns:
        (T, D) float32, `beta` with the two eyelid columns replaced inside
        the runs and nothing else touched.
    """
    out = np.array(beta, np.float32)
    columns = [model.index(name) for name in LIDS]
    shut = model.full[columns]
    for start, stop in runs(blink):
        length = stop - start
        w = weights(length)[:, None]
        first, last = out[start, columns], out[stop - 1, columns]
        early = np.arange(length)[:, None] < length / 2
        open_lids = np.where(early, first, last)
        out[start:stop, columns] = (1 - w) * open_lids + w * shut
    return out
