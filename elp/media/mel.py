"""The mel scale's filter bank and the window before it (chapter "Parameter extraction").

Equal to librosa's to the last bit (a test compares them), without its second and a half of start
and without numba, which needs a writable cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Slaney's Auditory Toolbox: linear up to 1 kHz, then 27 steps for each factor of 6.4
STEP = 200.0 / 3
KINK = 1000.0
LOG_STEP = np.log(6.4) / 27.0


def window(length: int) -> NDArray[np.float64]:
    """(length,) periodic Hann window."""
    return (0.5 + 0.5 * np.cos(np.linspace(-np.pi, np.pi, length + 1)))[:-1]


def bank(rate: int, length: int, bands: int) -> NDArray[np.float32]:
    """Triangular bands from 0 Hz to half the rate, each of the same area.

    Args:
        rate: samples per second.
        length: samples of a spectrum's window.
        bands: how many, evenly spaced in mel.

    Returns:
        (bands, length // 2 + 1) float32 weights of a power spectrum.
    """
    edges = _hertz(np.linspace(0.0, _mel(rate / 2), bands + 2))
    widths = np.diff(edges)
    ramps = np.subtract.outer(edges, np.fft.rfftfreq(length, 1.0 / rate))
    rising, falling = -ramps[:-2] / widths[:-1, None], ramps[2:] / widths[1:, None]
    weights: NDArray[Any] = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    weights *= (2.0 / (edges[2:] - edges[:-2]))[:, None]
    return weights


def _mel(hertz: float) -> float:
    if hertz < KINK:
        return hertz / STEP
    return float(KINK / STEP + np.log(hertz / KINK) / LOG_STEP)


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    above = KINK * np.exp(LOG_STEP * (mel - KINK / STEP))
    return np.where(mel >= KINK / STEP, above, STEP * mel)
