"""Speech-like sound from a plan: glottal pulses and noise through formants, filtered in the short-time spectrum (chapter "Simulated dyads")."""

# N tick of 10 ms, F frequency bin
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from elp.corpus.speech import TICKS, Speech, Voice

RATE = 16000
HOP = RATE // TICKS
SIZE = 512  # samples of a filtered frame: 20 ms of sound and 12 ms in which the formants ring out
BANDWIDTHS = np.array([70.0, 100.0, 150.0, 220.0, 280.0])  # Hz
LEVEL = 0.07  # root mean square of speech at middle effort, full scale 1
FLOOR = 4e-4  # of the room


def synthesise(rng: np.random.Generator, speech: Speech, person: Voice) -> NDArray[np.float32]:
    """Sound of a plan of speech: (N * 160,) float32 in [-1, 1] at 16 kHz.

    A source-filter synthesiser (Fant 1960; Klatt 1980): Rosenberg (1971) pulses with jitter and shimmer, aspiration, and frication
    noise; every 10 ms the spectrum is multiplied by the response of five formants and overlap-added.
    """
    bins = np.fft.rfftfreq(SIZE, 1 / RATE)
    voiced = _voice_source(rng, speech, person)
    spectrum = _spectra(voiced) * _tract(speech.formants, person.formants, bins)
    hiss = _spectra(rng.standard_normal(len(voiced)) * _samples(speech.noise))
    centre, width = speech.noise_centre[:, None], 1400.0
    spectrum += 0.055 * hiss * (1 / (1 + ((bins - centre) / width) ** 2))
    sound = _overlap_add(spectrum)[: len(voiced)]
    loud = np.sqrt(np.mean(sound[_samples(speech.voiced) > 0.5] ** 2)) if (speech.voiced > 0.5).any() else 1.0
    sound *= LEVEL * (0.55 + 0.9 * person.effort) / max(float(loud), 1e-9)
    return np.clip(sound + FLOOR * rng.standard_normal(len(sound)), -1, 1).astype(np.float32)


def _samples(ticks: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) ticks -> (N * HOP,) samples, by straight lines between tick centres."""
    return np.interp((np.arange(len(ticks) * HOP) + 0.5) / HOP - 0.5, np.arange(len(ticks)), ticks)


def _voice_source(rng: np.random.Generator, speech: Speech, person: Voice) -> NDArray[np.float64]:
    talking = np.flatnonzero(speech.talking)
    if len(talking) == 0:
        return np.zeros(len(speech.f0) * HOP)
    f0 = _samples(np.interp(np.arange(len(speech.f0)), talking, speech.f0[talking]))
    cycle = np.cumsum(f0 / RATE).astype(int)
    f0 *= 1 + person.jitter * rng.standard_normal(cycle[-1] + 1)[cycle]
    turns = np.cumsum(f0 / RATE)
    phase, cycle = turns % 1.0, turns.astype(int)
    closing = 0.72 - 0.2 * person.effort  # open quotient: pressed voices shut early
    peak = 0.66 * closing
    rise = 0.5 * np.pi / peak * np.sin(np.pi * phase / peak)
    fall = -0.5 * np.pi / (closing - peak) * np.sin(0.5 * np.pi * (phase - peak) / (closing - peak))
    pulse = np.where(phase < peak, rise, np.where(phase < closing, fall, 0.0))  # derivative of the flow: lips radiate it
    shimmer = 1 + 0.04 * rng.standard_normal(cycle[-1] + 1)[cycle]
    breath = person.breath * 3 * rng.standard_normal(len(pulse))
    return (pulse * shimmer * _samples(speech.voiced) + breath) * _samples(speech.loud)


def _tract(formants: NDArray[np.float64], scale: float, bins: NDArray[np.float64]) -> NDArray[np.complex64]:
    """Response of the vocal tract (N, F): five resonances in a row, the upper two fixed."""
    upper = np.tile(np.array([3500.0, 4500.0]) * scale, (len(formants), 1))
    response = np.ones((len(formants), len(bins)), np.complex64)
    for centre, width in zip(np.concatenate([formants, upper], axis=1).T, BANDWIDTHS, strict=True):
        square = (centre**2)[:, None]
        response *= (square / (square - bins**2 + 1j * bins * width)).astype(np.complex64)
    return response


def _spectra(sound: NDArray[np.float64]) -> NDArray[np.complex128]:
    """(N, F) spectra of Hann-windowed frames of 20 ms every 10 ms; the windows add up to 1."""
    padded = np.concatenate([np.zeros(HOP // 2), sound, np.zeros(2 * HOP)])
    frames = np.lib.stride_tricks.sliding_window_view(padded, 2 * HOP)[: len(sound) : HOP]
    return np.fft.rfft(frames * np.hanning(2 * HOP + 1)[:-1], SIZE, axis=1)


def _overlap_add(spectra: NDArray[np.complex128]) -> NDArray[np.float64]:
    blocks = -(-SIZE // HOP)
    frames = np.zeros((len(spectra), blocks * HOP))
    frames[:, :SIZE] = np.fft.irfft(spectra, SIZE, axis=1)
    out = np.zeros((len(spectra) + blocks, HOP))
    for block in range(blocks):
        out[block : block + len(spectra)] += frames[:, block * HOP : (block + 1) * HOP]
    return out.ravel()[HOP // 2 :]
