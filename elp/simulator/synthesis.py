"""Speech-like sound from a plan: pulses and noise through formants, in the short-time spectrum
(chapter "Simulated dyads").
"""

# N tick of 10 ms, F frequency bin
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from elp.simulator.speech import TICKS, Speech, Voice

RATE = 16000
HOP = RATE // TICKS
SIZE = 512  # samples of a filtered frame: 20 ms of sound and 12 ms in which the formants ring out
BANDWIDTHS = np.array([70.0, 100.0, 150.0, 220.0, 280.0])  # Hz
LEVEL = 0.07  # root mean square of speech at middle effort, full scale 1
FLOOR = 4e-4  # of the room


def synthesise(rng: np.random.Generator, speech: Speech, person: Voice) -> NDArray[np.float32]:
    """Sound of a plan of speech: (N * 160,) float32 in [-1, 1] at 16 kHz.

    A source-filter synthesiser (Fant 1960; Klatt 1980): Rosenberg (1971) pulses with jitter and
    shimmer, aspiration, and frication noise; every 10 ms the spectrum is multiplied by the response
    of five formants and overlap-added.
    """
    bins = fft.rfftfreq(SIZE, 1 / RATE).astype(np.float32)
    voiced = _voice_source(rng, speech, person)
    bright = (1 + (bins / 1500) ** 2) ** (0.5 * (0.3 + person.effort))  # a louder voice tilts less
    spectrum = _spectra(voiced) * _tract(speech.formants, person.formants, bins) * bright
    hiss = _spectra(rng.standard_normal(len(voiced), np.float32) * _samples(speech.noise))
    hiss /= 1 + ((bins - speech.noise_centre[:, None].astype(np.float32)) / 1400) ** 2
    talk, rasp = (
        _energy(x, on) for x, on in ((spectrum, speech.voiced > 0.5), (hiss, speech.noise > 0.2))
    )
    sound = _overlap_add(spectrum + hiss * np.sqrt(0.25 * talk / rasp))[: len(voiced)]
    sound *= LEVEL * (0.55 + 0.9 * person.effort) / np.sqrt(talk)
    return np.clip(sound + FLOOR * rng.standard_normal(len(sound), np.float32), -1, 1).astype(
        np.float32
    )


def _energy(spectra: NDArray[np.complex64], on: NDArray[np.bool_]) -> float:
    """Mean square of the sound in the ticks that are `on` (1 where there are none), from its
    Hann-windowed spectra.
    """
    return (
        float(2 * np.mean(np.abs(spectra[on]) ** 2) / (0.375 * 2 * HOP) * len(spectra[0]) / SIZE)
        if on.any()
        else 1.0
    )


def _samples(ticks: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) ticks -> (N * HOP,) samples, by straight lines between tick centres."""
    # each tick speaks for its first sample on: 5 ms early, too little to see
    before = np.arange(0.5, HOP) / HOP
    return (ticks[:, None] + np.diff(ticks, append=ticks[-1:])[:, None] * before).ravel()


def _voice_source(rng: np.random.Generator, speech: Speech, person: Voice) -> NDArray[np.float64]:
    talking = np.flatnonzero(speech.talking)
    if len(talking) == 0:
        return np.zeros(len(speech.f0) * HOP)
    f0 = _samples(np.interp(np.arange(len(speech.f0)), talking, speech.f0[talking]))
    cycle = np.cumsum(f0 / RATE).astype(int)
    f0 *= 1 + person.jitter * rng.standard_normal(cycle[-1] + 1)[cycle]
    turns = np.cumsum(f0 / RATE)
    phase, cycle = (turns % 1.0).astype(np.float32), turns.astype(int)
    closing = np.float32(0.72 - 0.2 * person.effort)  # open quotient: pressed voices shut early
    peak = np.float32(0.66) * closing
    rise = np.float32(0.5 * np.pi) / peak * np.sin(phase * (np.float32(np.pi) / peak))
    fall = (
        np.float32(-0.5 * np.pi)
        / (closing - peak)
        * np.sin((phase - peak) * (np.float32(0.5 * np.pi) / (closing - peak)))
    )
    # derivative of the flow: lips radiate it
    pulse = np.where(phase < peak, rise, np.where(phase < closing, fall, np.float32(0)))
    shimmer = 1 + 0.04 * rng.standard_normal(cycle[-1] + 1)[cycle]
    breath = person.breath * 3 * rng.standard_normal(len(pulse))
    return (pulse * shimmer * _samples(speech.voiced) + breath) * _samples(speech.loud)


def _tract(
    formants: NDArray[np.float64], scale: float, bins: NDArray[np.float32]
) -> NDArray[np.complex64]:
    """Response of the vocal tract (N, F): five resonances in a row, the upper two fixed."""
    upper = np.tile(np.array([3500.0, 4500.0]) * scale, (len(formants), 1))
    squares = np.concatenate([formants, upper], axis=1).astype(np.float32) ** 2
    below = np.ones((len(formants), len(bins)), np.complex64)
    for square, width in zip(squares.T, BANDWIDTHS, strict=True):
        below *= (1 - (bins**2 - 1j * bins * np.float32(width)) / square[:, None]).astype(
            np.complex64
        )
    return 1 / below


def _spectra(sound: NDArray[np.floating]) -> NDArray[np.complex64]:
    """(N, F) spectra of Hann-windowed frames of 20 ms every 10 ms; the windows add up to 1."""
    padded = np.concatenate([np.zeros(HOP // 2), sound, np.zeros(2 * HOP)]).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(padded, 2 * HOP)[: len(sound) : HOP]
    return fft.rfft(frames * np.hanning(2 * HOP + 1)[:-1].astype(np.float32), SIZE, axis=1)


def _overlap_add(spectra: NDArray[np.complex64]) -> NDArray[np.float32]:
    blocks = -(-SIZE // HOP)
    frames = np.zeros((len(spectra), blocks * HOP), np.float32)
    frames[:, :SIZE] = fft.irfft(spectra, SIZE, axis=1)
    out = np.zeros((len(spectra) + blocks, HOP), np.float32)
    for block in range(blocks):
        out[block : block + len(spectra)] += frames[:, block * HOP : (block + 1) * HOP]
    return out.ravel()[HOP // 2 :]
