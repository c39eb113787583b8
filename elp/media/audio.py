"""Sound of media files, in step with their pictures, and its mel cepstra.

Chapter "Parameter extraction".
"""

# n sample, T video frame
from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from elp.media import mel
from elp.media.container import opened
from elp.motion import FPS, MFCC

Samples = NDArray[np.float32]
# samples per second of speech: 640 to a video frame, so that cepstra never drift from the pictures
RATE = 16000
HOP = int(RATE / FPS)  # samples from one cepstrum to the next
WINDOW = 1024  # samples of a cepstrum's window, 64 ms
# mel power that counts as 0 dB, below 16-bit noise: digital silence and no sound at all give the
# same zeros
FLOOR = 1e-8
# seconds by which a track may deviate from its own clock before silence is filled in or sound
# dropped
GAP = 0.04


def has_audio(path: str | Path) -> bool:
    """Whether a media file has a sound track."""
    with opened(path) as container:
        return bool(container.streams.audio)


def blocks(path: str | Path, rate: int = RATE, *, channels: int = 1) -> Iterator[Samples]:
    """Stream a file's sound as blocks (n,) or, with two channels, (n, 2) of float32 in [-1, 1].

    The first sample belongs to the first picture's time: a late track begins with silence, an early
    one is cut, gaps become silence. Damaged packets are left out. Nothing is yielded where there is
    no sound.
    """
    import av

    with opened(path) as container:
        if not container.streams.audio:
            return
        stream = container.streams.audio[0]
        pictures = container.streams.video[0] if container.streams.video else stream
        start = float((pictures.start_time or 0) * pictures.time_base)
        resampler, clock, written, skip = None, None, 0, 0
        for frame in _decoded(container, stream):
            time = frame.time - start if frame.time is not None else clock or 0.0
            if clock is None or abs(time - clock) > GAP or resampler is None:
                for block in _samples(resampler.resample(None) if resampler else [], channels):
                    written += len(block)
                    yield block
                resampler = av.AudioResampler(format="flt", layout=frame.layout, rate=rate)
                silence = round(time * rate) - written
                skip = max(0, -silence)
                if silence > 0:
                    written += silence
                    yield np.zeros(silence if channels == 1 else (silence, channels), np.float32)
            clock = time + frame.samples / frame.sample_rate
            frame.pts = None
            for block in _samples(resampler.resample(frame), channels):
                dropped, skip = min(skip, len(block)), max(0, skip - len(block))
                written += len(block) - dropped
                yield block[dropped:]
        if resampler is not None:
            yield from _samples(resampler.resample(None), channels)


def _decoded(container: Any, stream: Any) -> Iterator[Any]:
    import av

    try:
        for packet in container.demux(stream):
            try:
                yield from packet.decode()
            except av.error.FFmpegError:
                continue
    except av.error.FFmpegError:
        return


def _samples(frames: Iterable[Any], channels: int) -> Iterator[Samples]:
    for frame in frames:
        packed = frame.to_ndarray().reshape(-1, frame.layout.nb_channels)
        yield mixed(packed, channels)[:, 0] if channels == 1 else mixed(packed, channels)


def read_audio(path: str | Path, sr: int = RATE) -> Samples | None:
    """The whole sound of a media file as (n,) float32 mono at `sr`, in step with its first picture;
    None where it has none.
    """
    if not has_audio(path):
        return None
    return np.concatenate([np.zeros(0, np.float32), *blocks(path, sr)])


def mixed(samples: Samples, channels: int) -> Samples:
    """Samples (n, c) as (n, channels): as they are, or the mean of all channels in each."""
    if samples.shape[1] == channels:
        return samples
    return np.repeat(samples.mean(1, keepdims=True), channels, 1)


def resampled(samples: Samples, rate: int, to: int, *, channels: int) -> Samples:
    """Samples (n,) or (n, c) at another rate, as (m,) or (m, channels) float32."""
    import soxr

    samples = np.asarray(samples, np.float32)
    out = soxr.resample(
        mixed(samples[:, None] if samples.ndim == 1 else samples, channels), rate, to
    ).astype(np.float32)
    return out[:, 0] if channels == 1 else out


def mfcc(audio: Samples | Iterable[Samples] | None, frames: int) -> NDArray[np.float32]:
    """Mel-frequency cepstra, one row for each video frame, centred on its time t / 25 (ELP, section
    4.1: 29 of them).

    Args:
        audio: (n,) float32 samples at 16 kHz, or blocks of them as they are read; None is no sound.
        frames: T, rows wanted; sound that ends early counts as silence from there.

    Returns:
        (T, 29) float32; zeros where `audio` is None. Windows of 64 ms, 80 mel bands, decibels above
            a floor: silence is all zeros too.
    """
    out = np.zeros((frames, MFCC), np.float32)
    if audio is None:
        return out
    step = 512
    source = iter([audio]) if isinstance(audio, np.ndarray) else iter(audio)
    rest = np.zeros(WINDOW // 2, np.float32)
    for first in range(0, frames, step):
        count = min(step, frames - first)
        need = (count - 1) * HOP + WINDOW
        parts, have = [rest], len(rest)
        while have < need:
            block = next(source, None)
            block = np.zeros(need - have, np.float32) if block is None else block
            parts.append(block)
            have += len(block)
        joined = np.concatenate(parts)
        out[first : first + count] = _cepstra(joined[:need])
        rest = joined[count * HOP :]
    return out


class CepstraStream:
    """`mfcc` of sound that is still coming in, equal to that of the whole, whatever the pieces.

    Row t is centred on the frame's time t / 25 s and ends 32 ms after it, within the frame's own 40
    ms: whoever pushes each frame's 640 samples, those of [640 t, 640 (t + 1)), gets its row at
    once, without a frame of delay.
    """

    def __init__(self) -> None:
        self.rest = np.zeros(WINDOW // 2, np.float32)

    def push(self, samples: Samples) -> NDArray[np.float32]:
        """The next n samples at 16 kHz, any number of them -> the rows (T, 29) that they complete,
        often none.
        """
        self.rest = np.concatenate([self.rest, samples])
        count = max(0, (len(self.rest) - WINDOW) // HOP + 1)
        if not count:
            return np.zeros((0, MFCC), np.float32)
        rows = _cepstra(self.rest[: (count - 1) * HOP + WINDOW])
        self.rest = self.rest[count * HOP :]
        return rows


def _cepstra(samples: Samples) -> NDArray[np.float32]:
    """What librosa.feature.mfcc gives, at an eighth of its time for a single row."""
    window, bands = _tables()
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
    power = np.abs(fft.rfft(window * frames).astype(np.complex64)) ** 2
    decibels = 10 * np.log10(
        np.maximum(np.einsum("tf,mf->mt", power, bands, optimize=True), FLOOR)
    ) - np.float32(10 * np.log10(FLOOR))
    return fft.dct(decibels, axis=0, norm="ortho")[:MFCC].T


@functools.cache
def _tables() -> tuple[NDArray[Any], NDArray[np.float32]]:
    """Hann window (1024,) and mel bands (80, 513)."""
    return mel.window(WINDOW), mel.bank(RATE, WINDOW, 80)
