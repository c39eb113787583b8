"""Cues from pitch: a constructed voice, and the simulator's own plan of speech."""

from __future__ import annotations

import numpy as np
import pytest

from elp.errors import ElpError
from elp.metrics.events import find_cues
from elp.simulator.speech import TICKS, low_pitch_cues, plan, voice


def spoken() -> np.ndarray:
    """3 s of voice that falls for its last 0.4 s, a pause of 1 s, 2 s of high voice, silence."""
    pitch = np.full(200, np.nan)
    pitch[10:85], pitch[75:85] = 200.0, 110.0
    pitch[110:160] = 220.0
    return pitch


def test_phrases_end_where_they_end() -> None:
    cues = find_cues(spoken())
    assert np.flatnonzero(cues.phrase_ends).tolist() == [85, 160]
    assert cues.talking.sum() == 75 + 50


def test_low_pitch_is_answered_after_700_ms() -> None:
    """Frame 77, at 3.08 s, is the third low one (110 ms): the rule answers at 3.78 s."""
    cues = find_cues(spoken())
    assert np.flatnonzero(cues.low_pitch).tolist() == [94]


def test_gaps_of_consonants_are_bridged_and_noise_is_no_phrase() -> None:
    pitch = spoken()
    pitch[40:44] = np.nan  # 160 ms without voice
    pitch[180:184] = 200.0  # 160 ms of voice
    assert np.array_equal(find_cues(pitch).phrase_ends, find_cues(spoken()).phrase_ends)


def test_units_of_pitch_do_not_matter() -> None:
    hertz, z = find_cues(spoken()), find_cues((np.log(spoken()) - 5) / 0.2)
    assert np.array_equal(hertz.low_pitch, z.low_pitch)
    assert np.array_equal(hertz.phrase_ends, z.phrase_ends)


def test_silence_has_no_cues() -> None:
    cues = find_cues(np.full(60, np.nan))
    assert not (cues.low_pitch.any() or cues.phrase_ends.any() or cues.talking.any())
    with pytest.raises(ElpError, match="one value a frame"):
        find_cues(np.zeros((5, 2)))


def test_the_cues_of_simulated_speech_are_found() -> None:
    """25 values of pitch a second find most of what the plan at 100 says, and little else."""
    rng = np.random.default_rng(0)
    hits, true, right, found = np.zeros(2), np.zeros(2), np.zeros(2), np.zeros(2)
    for _ in range(20):
        speech = plan(rng, 30.0, voice(rng))
        step = TICKS // 25
        f0, voiced = speech.f0[::step], speech.voiced[::step] > 0.5
        cues = find_cues(np.where(voiced & (f0 > 0), f0, np.nan))
        pairs = (
            (low_pitch_cues(speech), np.flatnonzero(cues.low_pitch) / 25),
            (speech.phrases[:, 1], np.flatnonzero(cues.phrase_ends) / 25),
        )
        for kind, (said, heard) in enumerate(pairs):
            said = said[(said > 0) & (said < 30)]
            apart = np.abs(said[:, None] - heard) <= 0.25
            hits[kind] += apart.any(1).sum()
            right[kind] += apart.any(0).sum()
            true[kind] += len(said)
            found[kind] += len(heard)
    assert (hits / true >= [0.75, 0.9]).all()
    assert (right / found >= [0.75, 0.95]).all()
