"""Spectra, speed and rest: constructed heads."""

from __future__ import annotations

import numpy as np
import pytest

from elp.errors import ElpError
from elp.metrics.events import band_power, band_terms, median_speed, rest_share, speed_terms

TIME = np.arange(2000) / 25


def sine(hertz: float, degrees: float) -> np.ndarray:
    return np.deg2rad(degrees) * np.sin(2 * np.pi * hertz * TIME)


def test_a_sine_s_variance_lies_in_its_band_and_axis() -> None:
    rotation = np.stack([sine(2.1, 2), sine(0.3, 1), sine(0.75, 3)], 1)
    power = band_power(band_terms([rotation, rotation]).sum(0))
    # half the squared amplitude; the window's skirts reach a little into the neighbours
    assert power[0] == pytest.approx([0, 0, 2.0, 0], abs=0.02)
    assert power[1, 0] == pytest.approx(0.5, rel=0.1)
    assert power[2, 1] == pytest.approx(4.5, rel=0.1)
    assert power[1, 2:].max() < 1e-3 and power[2, 2:].max() < 0.01


def test_white_noise_fills_the_bands_by_their_lines() -> None:
    """Lines of the spectrum lie 25 / 128 Hz apart: 2, 3, 15 and 44 of 64 in the bands."""
    noise = np.deg2rad(np.random.default_rng(0).standard_normal((40, 2000, 3)))
    power = band_power(band_terms(noise).sum(0))
    assert power.mean(0) == pytest.approx(np.array([2, 3, 15, 43.5]) / 64, rel=0.08)


def test_short_clips_and_unseen_frames_take_no_part() -> None:
    rotation = np.stack([sine(2.1, 2), sine(0.3, 1), sine(0.75, 3)], 1)
    gap = rotation.copy()
    gap[::100] = np.nan
    assert band_terms([rotation[:100]]).sum() == 0
    assert band_terms([gap]).sum() == 0
    assert np.isnan(band_power(band_terms([gap]).sum(0))).all()


def test_speed_is_the_angle_turned_about_any_axis() -> None:
    turning = np.deg2rad(12.0) * TIME[:250, None] * [0.6, 0.0, 0.8]
    assert median_speed(speed_terms([turning]).sum(0)) == pytest.approx(12, abs=0.125)


def test_rest_is_where_the_head_keeps_still() -> None:
    """A quarter of the time at rest under a tracker's noise, otherwise turning at 10 deg/s."""
    rng = np.random.default_rng(0)
    yaw = np.cumsum(np.where(np.arange(2000) < 500, 0, 10.0)) / 25
    rotation = np.zeros((2000, 3))
    rotation[:, 1] = np.deg2rad(yaw % 90)
    rotation += np.deg2rad(0.03) * rng.standard_normal(rotation.shape)
    assert rest_share(speed_terms([rotation]).sum(0)) == pytest.approx(0.25, abs=0.01)
    rotation[:1000] = np.nan
    assert rest_share(speed_terms([rotation]).sum(0)) == 0


def test_three_axes_are_asked_for() -> None:
    with pytest.raises(ElpError, match="pitch, yaw, roll"):
        speed_terms([np.zeros((50, 6))])
