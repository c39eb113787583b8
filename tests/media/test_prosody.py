"""Prosody: pitch against voices and tones of known pitch, statistics against their definitions, a
stream against the whole.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, firwin, freqs, lfilter

from elp.media.audio import HOP, RATE, WINDOW, CepstraStream
from elp.media.prosody import BIN, BINS, CUT, LOWEST, ProsodyStream, Voice, contour, pitch, prosody
from elp.motion import PROSODY, SILENT

COLUMN = {name: number for number, name in enumerate(PROSODY)}


def voice(f0: np.ndarray, *, formants: tuple[float, ...] = (500, 1500, 2500)) -> np.ndarray:
    """A vowel of the given pitch (n,) in Hz: harmonics through resonances, at a speaker's level."""
    phase = np.cumsum(f0 / RATE)
    harmonics = range(1, int(0.45 * RATE / f0.max()))
    x = sum(np.cos(2 * np.pi * k * phase) for k in harmonics)
    for centre, width in zip(formants, (80, 100, 150), strict=True):
        r = math.exp(-math.pi * width / RATE)
        x = lfilter([1], [1, -2 * r * math.cos(2 * math.pi * centre / RATE), r * r], x)
    x = np.diff(x, prepend=0)
    return (0.07 * x / x.std()).astype(np.float32)


def noise(count: int, level: float, seed: int = 0) -> np.ndarray:
    return (level * np.random.default_rng(seed).standard_normal(count)).astype(np.float32)


def found(sound: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """f0 (T,) and the samples (T,) in the middle of the windows that lie within the sound."""
    windows = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::HOP]
    return pitch(windows)[0], np.arange(len(windows)) * HOP + WINDOW // 2


def talk(seconds: float, seed: int = 0) -> np.ndarray:
    """Phrases of falling pitch, pauses of room noise between them."""
    t = np.arange(int(seconds * RATE)) / RATE
    speaks = t % 1.6 < 1.1
    said = voice(150 * np.exp(-0.3 * (t % 1.6)) * (1 + 0.1 * np.sin(7 * t)))
    return np.where(speaks, said, 0).astype(np.float32) + noise(len(t), 1e-3, seed)


@settings(max_examples=60, deadline=None)
@given(
    f0=st.floats(70, 480),
    level=st.floats(0.005, 0.7),
    phase=st.floats(0, 2 * math.pi),
    offset=st.floats(-0.2, 0.2),
)
def test_tones(f0: float, level: float, phase: float, offset: float) -> None:
    t = np.arange(WINDOW * 4) / RATE
    tone = (level * np.sin(2 * np.pi * f0 * t + phase) + offset).astype(np.float32)
    seen, _ = found(tone)
    np.testing.assert_allclose(seen, f0, rtol=0.01)


@pytest.mark.parametrize("snr", [None, 10])
@pytest.mark.parametrize("formants", [(500, 1500, 2500), (300, 2300, 3000), (700, 1100, 2500)])
@pytest.mark.parametrize("octaves", [0.0, 1.0, -1.0])
@pytest.mark.parametrize("start", [90.0, 130.0, 220.0])
def test_glides(
    start: float, octaves: float, formants: tuple[float, ...], snr: float | None
) -> None:
    """Level, rising and falling voices: voiced, within one per cent, and in the right octave."""
    start = start * 2 if octaves < 0 else start
    true = start * 2 ** (octaves * np.arange(3 * RATE) / (3 * RATE))
    sound = voice(true, formants=formants)
    if snr is not None:
        sound = sound + noise(len(sound), 0.07 * 10 ** (-snr / 20))
    seen, at = found(sound)
    ratio = seen / true[at]
    assert (seen > 0).mean() > 0.98
    assert (np.abs(np.log2(ratio[seen > 0])) > 0.25).mean() < 0.02
    assert np.median(np.abs(ratio - 1)) < 0.01


def test_what_is_no_voice() -> None:
    hiss = np.diff(noise(20 * RATE, 0.05))
    assert (found(noise(20 * RATE, 0.05))[0] > 0).mean() < 0.01
    assert (found(hiss.astype(np.float32))[0] > 0).mean() < 0.01
    f0, strength, power = pitch(np.zeros((3, WINDOW), np.float32))
    assert not f0.any() and not strength.any() and (power == -8).all()


def test_what_lies_above_the_low_pass_hides_little_of_a_voice() -> None:
    """Hiss above 5 kHz, twelve decibels louder than a tone: what a Butterworth filter of second
    order leaves of it is no period's, the tone is.
    """
    t = np.arange(2 * RATE) / RATE
    hiss = lfilter(firwin(255, 5000, fs=RATE, pass_zero=False), 1, noise(len(t), 1.0))
    sound = 0.05 * (math.sqrt(2) * np.sin(2 * np.pi * 200 * t) + 4 * hiss / hiss.std())
    windows = np.lib.stride_tricks.sliding_window_view(sound.astype(np.float32), WINDOW)
    hertz = 2 * np.pi * np.linspace(5000, 8000, 300)
    left = np.abs(freqs(*butter(2, 2 * np.pi * CUT, analog=True), hertz)[1]) ** 2
    strength = np.median(pitch(windows[1000::HOP])[1])
    assert strength == pytest.approx(1 / (1 + 16 * left.mean()), abs=0.06)


def test_narrow_band_sound_has_the_same_pitch() -> None:
    """Sound recorded at 8 kHz: nothing above 4 kHz, as over a telephone."""
    from scipy.signal import resample_poly

    true = np.full(3 * RATE, 140.0)
    sound = resample_poly(resample_poly(voice(true), 1, 2), 2, 1).astype(np.float32)
    seen, _ = found(sound)
    np.testing.assert_allclose(seen, 140, rtol=0.01)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 3 * HOP), min_size=1, max_size=40))
def test_any_cut_gives_the_same_bits(cuts: list[int]) -> None:
    sound = talk(2.0)
    stream, cepstra = ProsodyStream(), CepstraStream()
    parts, last = [], 0
    for at in [*np.cumsum(cuts).clip(max=len(sound)), len(sound)]:
        parts.append(stream.push(sound[last:at]))
        assert len(cepstra.push(sound[last:at])) == len(parts[-1])
        last = at
    rows = np.concatenate(parts)
    whole = prosody(sound, 55)
    assert len(rows) == 50 and rows.dtype == np.float32
    assert np.array_equal(rows, whole[:50])
    assert np.array_equal(
        prosody((sound[i : i + 999] for i in range(0, len(sound), 999)), 55), whole
    )


def test_frame_by_frame_without_delay_and_by_windows() -> None:
    sound = talk(3.0)
    stream, by_window = ProsodyStream(), ProsodyStream()
    padded = np.concatenate([np.zeros(WINDOW // 2, np.float32), sound])
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    whole = by_window.windows(windows)
    for t in range(len(windows)):
        row = stream.push(sound[t * HOP : (t + 1) * HOP])
        assert np.array_equal(row, whole[t : t + 1])


def test_no_row_hears_the_future() -> None:
    sound, frames, t = talk(4.0), 100, 60
    later = sound.copy()
    later[t * HOP + WINDOW // 2 :] = noise(len(sound) - t * HOP - WINDOW // 2, 0.3)
    one, other = prosody(sound, frames), prosody(later, frames)
    assert np.array_equal(one[: t + 1], other[: t + 1])
    assert not np.array_equal(one[t + 2 :], other[t + 2 :])


def test_silence_and_no_sound_are_the_same() -> None:
    silent = np.tile(np.float32(SILENT), (70, 1))
    assert np.array_equal(prosody(None, 70), silent)
    assert np.array_equal(prosody(np.zeros(20000, np.float32), 70), silent)
    assert np.array_equal(prosody(np.zeros(0, np.float32), 70), silent)
    assert prosody(None, 0).shape == (0, 8)


def test_columns_are_what_they_say() -> None:
    sound = talk(12.0)
    rows = prosody(sound, 300)
    assert rows.shape == (300, 8) and np.isfinite(rows).all()
    column = {name: rows[:, k] for name, k in COLUMN.items()}
    voiced = column["voiced"] == 1
    assert np.array_equal(voiced, column["strength"] > 0.55)
    assert 0.6 < voiced.mean() < 0.75  # 1.1 of 1.6 seconds
    for name in ("pitch", "rank"):  # held where nobody speaks
        still = np.flatnonzero(~voiced[1:]) + 1
        assert np.array_equal(column[name][still], column[name][still - 1])
    np.testing.assert_allclose(
        np.diff(column["pitch"], prepend=0), column["pitch_change"], atol=1e-5
    )
    np.testing.assert_allclose(np.diff(column["energy"]), column["energy_change"][1:], atol=1e-5)
    assert column["energy_change"][0] == 0
    pause = 0.0
    for frame in np.flatnonzero(voiced)[0] + np.arange(200):
        pause = 0.0 if voiced[frame] else pause + 0.04
        assert column["unvoiced_for"][frame] == pytest.approx(min(pause, 2), abs=1e-5)
    # a falling phrase ends below the speaker's mean and begins above it
    seconds = np.arange(300) / 25 % 1.6
    assert column["rank"][(seconds > 0.9) & voiced].mean() < 0.4
    assert column["rank"][(seconds < 0.3) & voiced & (np.arange(300) > 50)].mean() > 0.6
    assert abs(column["pitch"][voiced][100:].mean()) < 0.3


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(66, 499), min_size=1, max_size=200), st.floats(-5, 0))
def test_statistics_by_their_definition(f0: list[float], power: float) -> None:
    heard, so_far = Voice(), np.log(f0)
    for n in range(1, len(f0) + 1):
        deviations, rank = heard.hear(float(so_far[n - 1]), power)
        past = so_far[:n]
        assert heard.mean == pytest.approx(past.mean())
        spread = (6 * 0.12**2 + n * past.var()) / (6 + n)
        assert heard.variance == pytest.approx(spread)
        assert deviations == pytest.approx(
            np.clip((past[-1] - past.mean()) / max(spread**0.5, 0.05), -4, 4), abs=1e-6
        )
        bins = ((past - math.log(LOWEST)) / BIN).astype(int)
        expected = (bins < bins[-1]).mean() + (bins == bins[-1]).mean() / 2
        assert rank == pytest.approx(expected, abs=1e-9) and 0 < rank < 1
        assert heard.level == pytest.approx((6 * -2.5 + n * power) / (6 + n))


def test_hours_need_no_more_memory_and_follow_whoever_speaks() -> None:
    """After the first thousand voiced frames the statistics forget: another speaker takes over."""
    heard, rng = Voice(), np.random.default_rng(0)
    for mean in (4.7, 5.4):
        for _ in range(6000):
            heard.hear(float(rng.normal(mean, 0.15)), -2.0)
        assert heard.mean == pytest.approx(mean, abs=0.03)
        assert heard.variance**0.5 == pytest.approx(0.15, rel=0.2)
    assert heard.shares.shape == (BINS,) and heard.shares.sum() == pytest.approx(1)
    assert heard.hear(5.4, -2.0)[1] == pytest.approx(0.5, abs=0.1)


def test_another_gain_and_another_voice_give_the_same_rows_in_the_end() -> None:
    """Normalised to the speaker so far: what a microphone's gain does is gone after seconds."""
    sound = talk(30.0)
    loud, soft = prosody(sound, 750), prosody(sound / 10, 750)
    late = slice(600, None)
    assert np.abs(loud - soft)[late].max(axis=0)[COLUMN["pitch"]] < 0.05
    voiced = loud[late, COLUMN["voiced"]] == 1
    apart = (loud - soft)[late, COLUMN["energy"]][voiced]
    assert np.abs(apart).max() < 0.1  # of the two between them


@pytest.mark.parametrize("stored", [np.float32, np.float16])
def test_the_contour_is_the_pitch_again(stored: type) -> None:
    """What was normalised by the speaker so far comes back, but for the first frame's height."""
    rng = np.random.default_rng(0)
    said = np.log(180) + 0.15 * np.sin(np.arange(3000) / 9) + 0.05 * rng.standard_normal(3000)
    voiced, speaker = rng.random(3000) < 0.6, Voice()
    rows = np.zeros((3000, len(PROSODY)))
    for t in np.flatnonzero(voiced):
        rows[t, COLUMN["pitch"]] = speaker.hear(float(said[t]), -2.5)[0]
        rows[t, COLUMN["voiced"]] = 1
    back = contour(rows.astype(stored))
    assert np.array_equal(np.isfinite(back), voiced)
    expected = said[voiced] - said[voiced][0]
    assert back[voiced] == pytest.approx(expected, abs=2e-3 if stored == np.float16 else 1e-5)
    assert np.isnan(contour(np.tile(np.float32(SILENT), (9, 1)))).all()
