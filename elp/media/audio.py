"""Sound of media files, in step with their pictures, and its mel cepstra.

Chapter "Parameter extraction".
"""

# n sample, T video frame
from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from elp.media import mel
from elp.media.clock import decoded, running, start
from elp.media.container import opened, sound_of
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
PIECE = 10  # seconds of silence that are made at once
OPPOSITE = -0.9  # correlation of two channels below which one is the other turned over


def has_audio(path: str | Path) -> bool:
    """Whether a media file has a sound track."""
    with opened(path) as container:
        return sound_of(container) is not None


def blocks(path: str | Path, rate: int = RATE, *, channels: int = 1) -> Iterator[Samples]:
    """Stream a file's sound as blocks (n,) or, with two channels, (n, 2) of float32 in [-1, 1].

    The track is the default one, mixed down as FFmpeg does it; a channel that is the other turned
    over is turned back before both are added. The first sample belongs to the first picture's time:
    a late track begins with silence, an early one is cut, gaps become silence. Damaged packets are
    left out. Nothing is yielded where there is no sound.
    """
    with opened(path) as container:
        stream = sound_of(container)
        if stream is None:
            return
        mixer = Mixer(rate, channels)
        clock, written, skip = None, 0, 0
        for frame in _decoded(container, stream, start(path)):
            time = frame.time if frame.time is not None else clock or 0.0
            if clock is None or abs(time - clock) > GAP:
                for block in mixer.rest():
                    written += len(block)
                    yield block
                silence = round(time * rate) - written
                skip = max(0, -silence)
                for first in range(0, silence, PIECE * rate):
                    yield mixer.silence(min(silence - first, PIECE * rate))
                written += max(0, silence)
            clock = time + frame.samples / frame.sample_rate
            for block in mixer(frame):
                dropped, skip = min(skip, len(block)), max(0, skip - len(block))
                written += len(block) - dropped
                yield block[dropped:]
        yield from mixer.rest()


def _decoded(container: Any, stream: Any, start: Fraction) -> Iterator[Any]:
    """Decoded sound, its clock at 0 when the first picture is shown."""
    import av

    try:
        for packet in running(container, container.streams.best("video"), stream):
            if packet.stream.index != stream.index:
                continue
            for frame in decoded(packet):
                if frame.pts is not None and frame.time_base:
                    frame.pts -= round(start / frame.time_base)
                if frame.sample_rate:
                    yield frame
    except av.error.FFmpegError:
        return


def read_audio(path: str | Path, sr: int = RATE) -> Samples | None:
    """The whole sound of a media file as (n,) float32 mono at `sr`, in step with its first picture;
    None where it has none.
    """
    if not has_audio(path):
        return None
    return np.concatenate([np.zeros(0, np.float32), *blocks(path, sr)])


class Mixer:
    """Decoded frames of one track to blocks of another rate and one or two channels."""

    def __init__(self, rate: int, channels: int) -> None:
        self.rate, self.channels = rate, channels
        self._resampler: Any = None
        self._kind: object = None  # of the frames that the resampler takes
        self._products = np.zeros(3)  # of left with left, right with right, left with right

    def __call__(self, frame: Any) -> Iterator[Samples]:
        """The next frame's sound, of another rate or layout than the last one's perhaps."""
        import av

        kind = frame.format.name, frame.layout.name, frame.sample_rate
        before = self.rest() if kind != self._kind else iter(())
        if self._resampler is None:
            self._kind = kind
            layout = frame.layout
            if layout.nb_channels > 2:  # the centre as loud as FFmpeg makes it, not a sixth of it
                layout = "mono" if self.channels == 1 else "stereo"
            self._resampler = av.AudioResampler(format="flt", layout=layout, rate=self.rate)
        frame.pts = None
        return itertools.chain(before, self._blocks(self._resampler.resample(frame)))

    def rest(self) -> Iterator[Samples]:
        """What the resampler holds back; it begins anew."""
        held, self._resampler = self._resampler, None
        return self._blocks(held.resample(None) if held else [])

    def silence(self, count: int) -> Samples:
        """That many samples of it."""
        return np.zeros(count if self.channels == 1 else (count, self.channels), np.float32)

    def _blocks(self, frames: Iterable[Any]) -> Iterator[Samples]:
        for frame in frames:
            packed = frame.to_ndarray().reshape(-1, frame.layout.nb_channels)
            if self.channels == 1:
                yield mixed(self._turned(packed), 1)[:, 0]
            else:
                yield mixed(packed, self.channels)

    def _turned(self, samples: Samples) -> Samples:
        """A balanced microphone on both channels: the right one is minus the left one."""
        if samples.shape[1] != 2:
            return samples
        left, right = samples.T.astype(np.float64)
        self._products += left @ left, right @ right, left @ right
        if self._products[2] < OPPOSITE * np.sqrt(self._products[0] * self._products[1]):
            return samples * np.array([1, -1], np.float32)
        return samples


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
    # slices: for one frame, numpy's view of sliding windows takes longer than its transform
    starts = range(0, len(samples) - WINDOW + 1, HOP)
    frames = np.stack([samples[first : first + WINDOW] for first in starts])
    power = np.abs(fft.rfft(window * frames).astype(np.complex64)) ** 2
    decibels = 10 * np.log10(np.maximum(bands @ power.T, FLOOR)) - np.float32(10 * np.log10(FLOOR))
    return fft.dct(decibels, axis=0, norm="ortho")[:MFCC].T


@functools.cache
def _tables() -> tuple[NDArray[Any], NDArray[np.float32]]:
    """Hann window (1024,) and mel bands (80, 513)."""
    return mel.window(WINDOW), mel.bank(RATE, WINDOW, 80)
