"""Nods after cues: constructed heads."""

from __future__ import annotations

import numpy as np
import pytest

from elp.errors import ElpError
from elp.metrics.events import flags, nod_power, nod_terms, phrase_nod_terms, ratio

TIME = np.arange(1500) / 25


def sine(hertz: float, degrees: float) -> np.ndarray:
    return np.deg2rad(degrees) * np.sin(2 * np.pi * hertz * TIME)


def test_power_is_that_of_the_band_in_square_degrees() -> None:
    """A sine of 3 degrees has a mean square of 4.5; posture and tremble are left out."""
    slow, nod, fast = nod_power([sine(0.2, 3), sine(2, 3), sine(9, 3)])
    assert nod[100:-100].mean() == pytest.approx(4.5, rel=0.03)
    assert slow[100:-100].mean() < 0.01
    assert fast[100:-100].mean() < 0.05


def head(cues: np.ndarray, late: float, lift: float) -> np.ndarray:
    """Nods at 2.5 Hz all the time, in bursts `lift` times as powerful for 1 s after each cue."""
    power = np.ones(len(TIME))
    for cue in np.flatnonzero(cues):
        power[cue + round(late * 25) : cue + round((late + 1) * 25)] = lift
    return np.sqrt(power) * sine(2.5, 2)


@pytest.mark.parametrize("lift", [0.4, 1.0, 3.0])
def test_the_lift_after_cues_is_found(lift: float) -> None:
    cues = flags(np.arange(3, 57, 5.04), 1500)
    low = ratio(nod_terms([cues], [head(cues, 0, lift)]).sum(0))
    end = ratio(phrase_nod_terms([cues], [head(cues, 0.2, lift)]).sum(0))
    # the filter's own memory, a fifth of a second, blurs the edges of the bursts
    assert low == pytest.approx(lift, rel=0.15)
    assert end == pytest.approx(lift, rel=0.15)


def test_nods_that_come_too_late_do_not_count() -> None:
    cues = flags(np.arange(3, 57, 5.04), 1500)
    assert ratio(nod_terms([cues], [head(cues, 2.0, 3.0)]).sum(0)) < 1


def test_unseen_frames_are_bridged_and_short_clips_left_out() -> None:
    pitch = sine(2, 3)
    pitch[700:710] = np.nan
    power, short = nod_power([pitch, pitch[:20]])
    assert np.isnan(power[700:710]).all() and np.isfinite(power[:700]).all()
    assert np.isnan(short).all()
    with pytest.raises(ElpError, match="one column"):
        nod_power([np.zeros((50, 3))])
