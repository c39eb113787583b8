"""What a simulated speaker says: phrases, syllables, pitch and articulation, on a grid of 10 ms
(chapter "Simulated dyads").

Formants are the averages of Peterson & Barney (1952, J. Acoust. Soc. Am. 24, table II); emotional
prosody follows the directions of Juslin & Laukka (2003, Psychol. Bull. 129, table 11): happiness is
higher, wider and faster, sadness lower, flatter and slower, anger louder and tense.
"""

# N tick of 10 ms, S syllable, P phrase
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elp.metrics.events import low_pitch
from elp.simulator.processes import drift, smooth

TICKS = 100  # per second
#                      F1   F2    F3   open round spread
VOWELS = np.array(
    [
        [270, 2290, 3010, 0.10, 0.0, 1.0],
        [390, 1990, 2550, 0.30, 0.0, 0.6],
        [530, 1840, 2480, 0.55, 0.0, 0.4],
        [660, 1720, 2410, 0.85, 0.0, 0.4],
        [730, 1090, 2440, 1.00, 0.0, 0.0],
        [570, 840, 2410, 0.65, 0.6, 0.0],
        [440, 1020, 2240, 0.40, 0.5, 0.0],
        [300, 870, 2240, 0.15, 1.0, 0.0],
        [640, 1190, 2390, 0.75, 0.0, 0.0],
        [490, 1350, 1690, 0.40, 0.3, 0.0],
    ]
)
ONSETS = ("none", "bilabial", "stop", "fricative", "nasal", "liquid")
ONSET_PROBABILITY = (0.14, 0.12, 0.24, 0.24, 0.12, 0.14)
# centre of the noise, Hz: alveolar, palatal, labial
FRICATIVES = np.array([5800.0, 3300.0, 4500.0])


@dataclass(frozen=True, kw_only=True)
class Voice:
    """A speaker's voice: mean F0 (Hz), F0 spread factor, syllables per second, formant scale,
    breathiness, jitter, effort in [0, 1].
    """

    f0: float
    spread: float
    rate: float
    formants: float
    breath: float
    jitter: float
    effort: float = 0.5


@dataclass(frozen=True, kw_only=True)
class Speech:
    """A plan of speech, N ticks of 10 ms.

    Attributes:
        f0: (N,) Hz, continuous through a phrase, 0 in pauses.
        voiced, loud, noise: (N,) in [0, 1]: voicing, amplitude, frication.
        noise_centre: (N,) Hz. formants: (N, 3) Hz.
        opening, rounding, spreading, closing: (N,) in [0, 1]: jaw and lips; closing is a bilabial
            closure.
        phrases: (P, 2) s, start and end. accents: (A,) s, peaks of pitch accents, with
            `accent_size` (A,) in semitones.
    """

    f0: NDArray[np.float64]
    voiced: NDArray[np.float64]
    loud: NDArray[np.float64]
    noise: NDArray[np.float64]
    noise_centre: NDArray[np.float64]
    formants: NDArray[np.float64]
    opening: NDArray[np.float64]
    rounding: NDArray[np.float64]
    spreading: NDArray[np.float64]
    closing: NDArray[np.float64]
    phrases: NDArray[np.float64]
    accents: NDArray[np.float64]
    accent_size: NDArray[np.float64]

    @property
    def talking(self) -> NDArray[np.bool_]:
        """(N,) True inside phrases."""
        return self.f0 > 0


def voice(rng: np.random.Generator) -> Voice:
    """A person's voice; F0 of women and men 223 and 132 Hz on average, formants 17 % apart
    (Peterson & Barney 1952).
    """
    woman = rng.random() < 0.5
    return Voice(
        f0=(223 if woman else 132) * rng.lognormal(0, 0.1),
        spread=rng.lognormal(0, 0.15),
        rate=4.6 * rng.lognormal(0, 0.08),
        formants=(1.17 if woman else 1.0) * rng.lognormal(0, 0.03),
        breath=rng.uniform(0.01, 0.06),
        jitter=rng.uniform(0.004, 0.012),
    )


def in_mood(person: Voice, valence: float, tense: bool) -> Voice:
    """A voice coloured by emotion: `valence` about -1, 0 or 1; `tense` makes a negative voice angry
    instead of sad.
    """
    up, down = max(valence, 0.0), max(-valence, 0.0)
    rest = person
    if tense:  # Juslin & Laukka: anger is louder and faster, with more high-frequency energy
        return Voice(
            f0=rest.f0 * (1 - 0.02 * down),
            spread=rest.spread * (1 - 0.3 * down),
            rate=rest.rate * (1 + 0.02 * down),
            formants=rest.formants,
            breath=rest.breath,
            jitter=rest.jitter * 1.5,
            effort=0.5 + 0.4 * down,
        )
    return Voice(
        f0=rest.f0 * 2 ** (0.24 * up - 0.12 * down),
        spread=rest.spread * (1 + 0.7 * up - 0.45 * down),
        rate=rest.rate * (1 + 0.13 * up - 0.15 * down),
        formants=rest.formants * (1 + 0.04 * up),
        breath=rest.breath * (1 + 1.5 * down),
        jitter=rest.jitter,
        effort=0.5 + 0.2 * up - 0.25 * down,
    )


def plan(rng: np.random.Generator, seconds: float, person: Voice) -> Speech:
    """Phrases of about 2 s and pauses of about half a second, both log-normal (pauses: Campione &
    Véronis 2002), filled with syllables.
    """
    time = np.arange(int(round(seconds * TICKS))) / TICKS
    phrases = _phrases(rng, seconds)
    starts, lengths = _syllables(rng, phrases, person.rate)
    which = np.clip(np.searchsorted(starts, time, side="right") - 1, 0, None)
    inside = (time >= starts[which]) & (time < starts[which] + lengths[which])
    phase = (time - starts[which]) / lengths[which]

    accents = rng.random(len(starts)) < 0.32
    peaks = (starts + 0.6 * lengths)[accents]
    size = rng.gamma(4, 0.7, len(peaks))
    f0 = _pitch(rng, time, phrases, peaks, size, person)

    vowel = VOWELS[rng.integers(len(VOWELS), size=len(starts))][which]
    onset = rng.choice(len(ONSETS), p=ONSET_PROBABILITY, size=len(starts))[which]
    early = inside & (phase < 0.32)
    kind = {name: early & (onset == k) for k, name in enumerate(ONSETS)}
    centre = FRICATIVES[rng.integers(len(FRICATIVES), size=len(starts))][which]
    burst = (kind["bilabial"] | kind["stop"]) & (phase > 0.22)
    closed = (kind["bilabial"] | kind["stop"]) & ~burst
    stress = np.where(accents, 1.0, rng.uniform(0.55, 0.8, len(starts)))[which]
    energy = np.where(
        inside, stress * np.sin(np.pi * np.clip(0.12 + 0.8 * phase, 0, 1)) ** 0.7, 0.0
    )
    energy[closed] = 0
    energy[kind["nasal"]] *= 0.5
    formants = np.where(kind["nasal"][:, None], [250.0, 1400.0, 2300.0], vowel[:, :3])
    lips = lambda x: smooth(np.where(inside, x, 0.0), 0.035, TICKS)  # noqa: E731  coarticulation: articulators are slow
    return Speech(
        f0=f0 * inside_phrase(time, phrases),
        voiced=smooth((inside & ~closed & ~burst & ~kind["fricative"]).astype(float), 0.006, TICKS),
        loud=smooth(energy, 0.012, TICKS),
        noise=smooth(np.where(kind["fricative"], 0.5, 0.0) + 0.7 * burst, 0.006, TICKS),
        noise_centre=centre,
        formants=smooth(formants, 0.025, TICKS) * person.formants,
        opening=lips(np.where(early, 0.15, vowel[:, 3]) * (0.5 + 0.5 * stress)),
        rounding=lips(vowel[:, 4]),
        spreading=lips(vowel[:, 5]),
        closing=smooth(
            (kind["bilabial"] | (kind["nasal"] & (which % 2 == 0))).astype(float), 0.02, TICKS
        ),
        phrases=phrases,
        accents=peaks,
        accent_size=size,
    )


def inside_phrase(time: NDArray[np.float64], phrases: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(N,) True where a time lies in a phrase."""
    which = np.clip(np.searchsorted(phrases[:, 0], time, side="right") - 1, 0, None)
    return (time >= phrases[which, 0]) & (time < phrases[which, 1])


def _phrases(rng: np.random.Generator, seconds: float) -> NDArray[np.float64]:
    count = int(seconds) + 8
    speak = np.clip(rng.lognormal(np.log(1.9), 0.5, count), 0.6, 6)
    pause = np.clip(rng.lognormal(np.log(0.5), 0.45, count), 0.2, 1.8)
    starts = np.cumsum(speak + pause) - (speak + pause) - rng.uniform(0, 1.0)
    keep = starts < seconds
    return np.stack([starts, starts + speak], axis=1)[keep]


def _syllables(
    rng: np.random.Generator, phrases: NDArray[np.float64], rate: float
) -> tuple[NDArray[np.float64], ...]:
    starts, lengths = [], []
    for start, end in phrases:
        part = rng.gamma(9.0, 1.0, max(int(round((end - start) * rate)), 1))
        part[-1] *= 1.5  # phrase-final lengthening (Klatt 1976)
        part *= (end - start) / part.sum()
        starts.append(start + np.cumsum(part) - part)
        lengths.append(part)
    return np.concatenate(starts), np.concatenate(lengths)


def _pitch(
    rng: np.random.Generator,
    time: NDArray[np.float64],
    phrases: NDArray[np.float64],
    peaks: NDArray[np.float64],
    size: NDArray[np.float64],
    person: Voice,
) -> NDArray[np.float64]:
    """Declination, accents and a final fall (70 %), rise (15 %) or level end, in semitones about
    the person's mean.
    """
    which = np.clip(np.searchsorted(phrases[:, 0], time, side="right") - 1, 0, None)
    start, end = phrases[which, 0], phrases[which, 1]
    final = rng.choice([-4.5, 4.0, 0.0], p=[0.7, 0.15, 0.15], size=len(phrases))[which]
    reset = rng.normal(0, 0.8, len(phrases))[which]
    semitones = 1.8 - 3.6 * np.clip((time - start) / (end - start), 0, 1) + reset
    semitones += final * np.clip((time - (end - 0.35)) / 0.3, 0, 1)
    for peak, height in zip(peaks, size, strict=True):
        near = slice(max(int((peak - 0.35) * TICKS), 0), max(int((peak + 0.35) * TICKS), 0))
        semitones[near] += height * np.exp(-0.5 * ((time[near] - peak) / 0.08) ** 2)
    semitones += drift(rng, len(time), 0.15, 0.45, rate=TICKS)[:, 0]
    return (person.f0 * 2 ** (person.spread * semitones / 12)).clip(60, 550)


def low_pitch_cues(speech: Speech) -> NDArray[np.float64]:
    """Times (s) at which a listener may respond, by the rule of Ward &
    Tsukahara (2000), with which cues are found in real sound too.
    """
    return low_pitch(speech.f0, speech.talking, TICKS)
