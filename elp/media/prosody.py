"""Prosody of a voice that is still speaking: pitch, voicing and loudness, each frame as the past
knows it (chapter "Parameter extraction").
"""

# n sample, T video frame
from __future__ import annotations

import functools
import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from elp.media.audio import HOP, RATE, WINDOW, Samples
from elp.motion import FPS, PROSODY, SILENT, Floats

LOWEST, HIGHEST = 65.0, 500.0  # Hz, of a voice that talks
SHORTEST, LONGEST = int(RATE / HIGHEST), int(RATE / LOWEST)  # samples of its period
SIZE = fft.next_fast_len(WINDOW + LONGEST + 1, real=True)  # room for these lags without wrapping
# Hz of a low pass, where half the power is gone: below lies a vowel's period, above mostly noise
CUT = 2500.0
OCTAVE = 0.03  # strength that a candidate loses per octave: the whole period, not two of them
VOICED = 0.55  # least strength of a voiced frame
AUDIBLE = -6.0  # log10 of a voiced frame's least power, -60 dB of full scale
POWER = 1e-8  # power that counts as none

MEMORY = 1000  # voiced frames, about a minute of talk, that the speaker's statistics look back on
PRIOR = 6  # voiced frames that the prior is worth
SPREAD, LEAST = 0.12, 0.05  # standard deviation of log-f0: the prior's, and the least
LEVEL = -2.5  # log10 of the power of speech: the prior's
LIMIT = 4.0  # deviations from the mean pitch
BIN = math.log(2) / 120  # ten cents of pitch, a step of the rank
BINS = math.ceil(math.log(HIGHEST / LOWEST) / BIN)
QUIETEST, LOUDEST = SILENT[PROSODY.index("energy")], 2.0  # tens of decibels
PAUSE = SILENT[PROSODY.index("unvoiced_for")]  # seconds after which a pause is long
STEP = 512  # frames of pitch found at once


def prosody(audio: Samples | Iterable[Samples] | None, frames: int) -> Floats:
    """Prosody, one row for each video frame, from the same windows as `elp.media.audio.mfcc`: row t
    is centred on t / 25 s, hears 32 ms beyond it and nothing later.

    Args:
        audio: (n,) float32 samples at 16 kHz, or blocks of them as they are read; None is no sound.
        frames: T, rows wanted; sound that ends early counts as silence from there.

    Returns:
        (T, 8) float32, its columns named by `elp.motion.PROSODY`:

        - pitch: deviation of log-f0 from the speaker's mean so far, in standard deviations, in
          [-4, 4]; where no voice is, the last one's is held.
        - rank: share of the speaker's voiced frames so far that were lower, in (0, 1); held too.
        - voiced: 1 or 0.
        - strength: of the periodicity, the height of the normalised autocorrelation, in [0, 1].
        - energy: log10 of the power relative to the speaker's voiced frames so far, in [-4, 2].
        - pitch_change, energy_change: difference from the frame before, 0 in the first.
        - unvoiced_for: seconds since the last voiced frame, at most 2; 2 before the first.

        Without sound, as in silence from the start, each row is `elp.motion.SILENT`.
    """
    if audio is None:
        return np.tile(np.asarray(SILENT, np.float32), (frames, 1))
    blocks = audio
    if isinstance(audio, np.ndarray):
        blocks = np.split(audio, range(STEP * HOP, len(audio), STEP * HOP))
    stream = ProsodyStream()
    rows, missing = [np.zeros((0, len(PROSODY)), np.float32)], frames
    for block in blocks:
        rows.append(stream.push(block))
        missing -= len(rows[-1])
        if missing <= 0:
            break
    if missing > 0:
        rows.append(stream.push(np.zeros(missing * HOP + WINDOW, np.float32)))
    return np.concatenate(rows)[:frames]


class ProsodyStream:
    """`prosody` of sound that is still coming in, the same bit for bit, whatever the pieces.

    What it keeps does not grow: less than a window of sound and the speaker's statistics. It is in
    step with `elp.media.audio.CepstraStream`: pushed alike, both give the same number of rows.
    """

    def __init__(self) -> None:
        self.rest = np.zeros(WINDOW // 2, np.float32)
        self.voice = Voice()
        self.row = SILENT
        self.begun = False

    def push(self, samples: Samples) -> Floats:
        """The next n samples at 16 kHz, any number of them -> the rows (T, 8) that they complete,
        often none.
        """
        self.rest = np.concatenate([self.rest, np.asarray(samples, np.float32)])
        count = max(0, (len(self.rest) - WINDOW) // HOP + 1)
        if not count:
            return np.zeros((0, len(PROSODY)), np.float32)
        # slices: for one frame, numpy's view of sliding windows takes longer than its pitch
        starts = range(0, count * HOP, HOP)
        rows = self.windows(np.stack([self.rest[first : first + WINDOW] for first in starts]))
        self.rest = self.rest[count * HOP :].copy()
        return rows

    def windows(self, windows: Samples) -> Floats:
        """The next windows of sound (T, 1024), 640 samples from one to the next -> rows (T, 8)."""
        out = np.empty((len(windows), len(PROSODY)), np.float32)
        for first in range(0, len(windows), STEP):
            found = pitch(windows[first : first + STEP])
            for t, frame in enumerate(zip(*(x.tolist() for x in found), strict=True), first):
                out[t] = self._next(*frame)
        return out

    def _next(self, f0: float, strength: float, power: float) -> tuple[float, ...]:
        """One frame's row, eight numbers."""
        pitch, rank, *_, before, _, _, unvoiced = self.row
        if f0:
            pitch, rank = self.voice.hear(math.log(f0), power)
        energy = min(max(power - self.voice.level, QUIETEST), LOUDEST)
        unvoiced = 0.0 if f0 else min(unvoiced + 1 / FPS, PAUSE)
        change = energy - before if self.begun else 0.0
        turn = pitch - self.row[0]
        self.row = (pitch, rank, float(f0 > 0), strength, energy, turn, change, unvoiced)
        self.begun = True
        return self.row


class Voice:
    """What is known of a speaker's voice so far: mean and deviation of log-f0 (Welford 1962), its
    distribution in bins of ten cents, and the level.

    All are means over the voiced frames so far, and from the thousandth on exponential ones that
    forget as fast: a stream of hours needs no more memory and follows whoever speaks now. Deviation
    and level begin with a prior worth six frames; the mean pitch of people differs too much for one
    and begins with the first frame.
    """

    def __init__(self) -> None:
        self.count = 0
        self.mean, self.variance, self.level = 0.0, SPREAD**2, LEVEL
        self.shares = np.zeros(BINS)  # of the frames in each bin of pitch

    def hear(self, pitch: float, power: float) -> tuple[float, float]:
        """Add a voiced frame, given log-f0 and log10 of its power; gives its pitch in deviations
        from the mean, and its rank: the share of frames in lower bins plus half of its own bin's,
        itself included.
        """
        self.count = min(self.count + 1, MEMORY)
        known = min(self.count + PRIOR, MEMORY)
        before = pitch - self.mean
        self.mean += before / self.count
        after = pitch - self.mean
        self.variance += (before * after - self.variance) / known
        self.level += (power - self.level) / known
        at = min(max(int((pitch - math.log(LOWEST)) / BIN), 0), BINS - 1)
        self.shares *= 1 - 1 / self.count
        self.shares[at] += 1 / self.count
        deviations = after / max(math.sqrt(self.variance), LEAST)
        rank = float(self.shares[:at].sum() + self.shares[at] / 2)
        return min(max(deviations, -LIMIT), LIMIT), rank


def contour(rows: Floats) -> NDArray[np.float64]:
    """Pitch without the speaker's statistics: `Voice.hear` undone, for who may look at a whole clip
    and wants the same measure at its beginning as at its end.

    Args:
        rows: (T, 8) of `prosody`, from the first on.

    Returns:
        (T,) log-f0, 0 at the first voiced frame; NaN where there is no voice.
    """
    found = np.full(len(rows), np.nan)
    mean, variance, count = 0.0, SPREAD**2, 0
    for t in np.flatnonzero(rows[:, PROSODY.index("voiced")] > 0.5):
        count = min(count + 1, MEMORY)
        known = min(count + PRIOR, MEMORY)
        deviations, left = float(rows[t, PROSODY.index("pitch")]), 1 - 1 / count
        rest = variance * (1 - 1 / known)
        before = 0.0  # the first frame makes the mean
        if count > 1:
            room = max(left**2 - deviations**2 * left / known, 1e-3)
            before = deviations * math.sqrt(rest / room)
            if rest + before**2 * left / known < LEAST**2:
                before = deviations * LEAST / left
        found[t] = mean + before
        mean += before / count
        variance = rest + before**2 * left / known
    return found


def pitch(windows: Samples) -> tuple[Floats, Floats, Floats]:
    """Fundamental frequency by normalised autocorrelation (Boersma 1993, "Accurate short-term
    analysis of the fundamental frequency", without its search for a path, which needs the future).

    The autocorrelation of the windowed sound, divided by the window's own, peaks at the period. The
    highest peak between 2 and 15 ms wins, a longer period paying 0.03 an octave; a parabola through
    it and its neighbours gives fractions of a sample.

    Args:
        windows: (T, 1024) float32 samples at 16 kHz.

    Returns:
        f0: (T,) float32 in Hz, 65 to 500; 0 where the sound is not voiced.
        strength: (T,) float32, height of the peak in [0, 1].
        power: (T,) float32, log10 of the mean square, at least -8.
    """
    window, weight, own, price = _tables()
    frames = np.ascontiguousarray(windows, np.float32)  # a row's sums must not depend on the others
    power = np.log10((frames**2).mean(1) + np.float32(POWER))
    spectrum = fft.rfft((frames - frames.mean(1, keepdims=True)) * window, SIZE, axis=1)
    periodic = fft.irfft((spectrum.real**2 + spectrum.imag**2) * weight, SIZE, axis=1)
    r = periodic[:, : LONGEST + 2] / np.maximum(periodic[:, :1], 1e-9) / own
    left, middle, right = r[:, SHORTEST - 1 : -2], r[:, SHORTEST:-1], r[:, SHORTEST + 1 :]
    slope, bend = (right - left) / 2, np.maximum(2 * middle - left - right, 1e-9)
    # heights between the samples: a peak that a sample meets must not win by that
    height = middle + slope**2 / (2 * bend)
    peak = (middle >= left) & (middle > right)
    best = np.where(peak, np.minimum(height, 1) - price, -np.inf).argmax(1)
    row = np.arange(len(r))
    found = peak[row, best] & (power > AUDIBLE)
    strength = np.where(found, np.clip(height[row, best], 0, 1), 0).astype(np.float32)
    period = SHORTEST + best + slope[row, best] / bend[row, best]
    f0 = np.where(strength > VOICED, RATE / np.maximum(period, 1), 0).astype(np.float32)
    return f0, strength, power


@functools.cache
def _tables() -> tuple[Floats, Floats, Floats, Floats]:
    """Hann window (1024,), what low pass leaves of each frequency's power (641,), the window's own
    autocorrelation, 1 at lag 0 (248,), and what each period pays (215,).
    """
    window = np.hanning(WINDOW + 1)[:-1]
    weight = 1 / (1 + (fft.rfftfreq(SIZE, 1 / RATE) / CUT) ** 4)
    own = fft.irfft(np.abs(fft.rfft(window, SIZE)) ** 2, SIZE)[: LONGEST + 2]
    price = OCTAVE * np.log2(np.arange(SHORTEST, LONGEST + 1) / SHORTEST)
    return (
        window.astype(np.float32),
        weight.astype(np.float32),
        (own / own[0]).astype(np.float32),
        price.astype(np.float32),
    )
