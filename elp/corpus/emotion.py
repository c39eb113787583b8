"""Emotion from speech, for corpora without labels: the published analyser that the paper uses, run
in torch (chapter "Real conversations").

The weights are the user's download (Speech-Emotion-Analyzer: Emotion_Voice_Detection_Model.h5);
they are not part of this project.
"""

# T analyser frame (216 in 2.5 s), C class (10)
from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from elp.errors import ElpError
from elp.motion import Floats

CLASSES = tuple(
    f"{sex}_{mood}"
    for sex in ("female", "male")
    for mood in ("angry", "calm", "fearful", "happy", "sad")
)
LAYERS = ("conv1d_7", "conv1d_8", "conv1d_9", "conv1d_10", "conv1d_11", "conv1d_12")
RATE, SECONDS, OFFSET, FRAMES, HOP, CEPSTRA = 44100, 2.5, 0.5, 216, 512, 13
# of its spectra: samples of a window, mel bands, decibels kept below the loudest
WINDOW, BANDS, RANGE = 2048, 128, 80.0
HAPPY = [k for k, name in enumerate(CLASSES) if name.endswith("happy")]


class Analyser:
    """Six 1-D convolutions over one number per frame: the mean of 13 MFCC.

    Args:
        weights: Emotion_Voice_Detection_Model.h5.

    Raises:
        ElpError: the file is missing, or lacks a layer.
    """

    def __init__(self, weights: str | Path) -> None:
        import torch
        from torch import nn

        kernels = _weights(Path(weights))
        layers: list[nn.Module] = []
        for number, name in enumerate(LAYERS):
            kernel, bias = kernels[name]
            convolution = nn.Conv1d(
                kernel.shape[1], kernel.shape[2], kernel.shape[0], padding=kernel.shape[0] // 2
            )
            convolution.weight.data = torch.from_numpy(
                np.ascontiguousarray(kernel.transpose(2, 1, 0))
            )  # Keras: (k, in, out)
            convolution.bias = nn.Parameter(torch.from_numpy(bias))
            layers += [convolution, nn.ReLU()] + ([nn.MaxPool1d(8)] if number == 1 else [])
        self.body = nn.Sequential(*layers).eval()
        kernel, bias = kernels["dense_2"]
        self.head, self.bias = torch.from_numpy(kernel), torch.from_numpy(bias)

    def probabilities(self, features: Floats) -> Floats:
        """(B, 216) features -> (B, 10) probabilities in the order of `CLASSES`."""
        import torch

        with torch.inference_mode():
            x = self.body(torch.from_numpy(np.asarray(features, np.float32))[:, None])
            # Keras flattens time first, then channel
            logits = x.transpose(1, 2).flatten(1) @ self.head + self.bias
            return torch.softmax(logits, 1).numpy()

    def happiness(self, features: Floats) -> float:
        """Probability that one clip (216,) is happy, woman or man."""
        return float(self.probabilities(features[None])[0, HAPPY].sum())


def features(audio: Floats, rate: int) -> Floats:
    """What the analyser hears.

    Audio (n,) at `rate` Hz -> (216,), the mean of 13 MFCC per frame of 2.5 s from 0.5 s on.

    Shorter sound is taken from its start if it has no 3 s, and padded with zeros, as its authors
    filled their table.
    """
    import soxr

    start = OFFSET if len(audio) / rate >= OFFSET + SECONDS else 0.0
    cut = np.asarray(audio, np.float32)[int(start * rate) : int((start + SECONDS) * rate)]
    if rate != RATE:
        cut = soxr.resample(cut, rate, RATE)
    if len(cut) < HOP:
        return np.zeros(FRAMES, np.float32)
    return _fill(_cepstra(cut).mean(axis=1))


def _cepstra(samples: Floats) -> Floats:
    """What librosa.feature.mfcc gave the analyser when it was trained: (n,) -> (T, 13)."""
    from elp.media import mel

    padded = np.pad(samples, WINDOW // 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    power = np.abs(fft.rfft(windows * mel.window(WINDOW).astype(np.float32))) ** 2
    decibel = 10 * np.log10(np.maximum(power @ mel.bank(RATE, WINDOW, BANDS).T, 1e-10))
    kept = np.maximum(decibel, decibel.max() - RANGE)
    return np.asarray(fft.dct(kept, axis=1, norm="ortho")[:, :CEPSTRA], np.float32)


def features_of_mel(decibel: NDArray[Any], per_second: float) -> Floats:
    """The same from mel spectra (T, bands) in decibels, where a corpus ships no sound.

    This is an approximation: its bands differ from the analyser's.
    """
    mean = fft.dct(decibel, type=2, norm="ortho", axis=1)[:, :CEPSTRA].mean(axis=1)
    now = np.arange(int(len(mean) / per_second * RATE / HOP)) * HOP / RATE * per_second
    return _fill(np.interp(now, np.arange(len(mean)), mean))


def labels(happiness: NDArray[np.floating], *, balanced: bool = True) -> list[str]:
    """Probabilities of happiness (B,) -> "positive" or "unpositive" each.

    Plain: positive from 0.5 on. Balanced, as in the paper ("we assign more labels to unpositive
    emotions"): where more than half would be positive, only the happiest half is. The paper does
    not say how it chose; this is our reading.
    """
    happiness = np.asarray(happiness, np.float64)
    positive = happiness >= 0.5
    if balanced and positive.mean() > 0.5:
        positive = np.zeros(len(happiness), bool)
        positive[np.argsort(-happiness, kind="stable")[: len(happiness) // 2]] = True
    return ["positive" if yes else "unpositive" for yes in positive]


def _fill(x: NDArray[np.floating]) -> Floats:
    out = np.zeros(FRAMES, np.float32)
    out[: min(len(x), FRAMES)] = x[:FRAMES]
    return out


def _weights(path: Path) -> dict[str, tuple[Floats, Floats]]:
    import h5py

    try:
        with h5py.File(path) as file:
            groups = {name: file["model_weights"][name][name] for name in (*LAYERS, "dense_2")}
            return {
                name: (group["kernel:0"][()], group["bias:0"][()]) for name, group in groups.items()
            }
    except FileNotFoundError as error:
        raise ElpError(
            f"{path}: no such file: download the analyser's Emotion_Voice_Detection_Model.h5"
        ) from error
    except (OSError, KeyError) as error:
        raise ElpError(
            f"{path}: not the speech emotion analyser's weights ({error}): download them again"
        ) from error
