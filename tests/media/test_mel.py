"""The mel scale: equal to the library that everybody uses, without loading it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from elp.media import mel


@pytest.mark.parametrize(
    ("rate", "length", "bands"), [(16000, 1024, 80), (44100, 2048, 128), (1500, 256, 12)]
)
def test_bands_and_window_are_those_of_librosa(rate: int, length: int, bands: int) -> None:
    import librosa

    expected = librosa.filters.mel(sr=rate, n_fft=length, n_mels=bands)
    np.testing.assert_allclose(mel.bank(rate, length, bands), expected, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(
        mel.window(length), librosa.filters.get_window("hann", length), atol=1e-12
    )


def test_cepstra_load_no_compiler() -> None:
    """numba wants a second, and a folder that it may write."""
    code = (
        "import sys; from elp.media.audio import mfcc; from elp.corpus.emotion import features; "
        "import numpy as np; x = np.ones(9000, np.float32); mfcc(x, 3); features(x, 16000); "
        "print(*{'librosa', 'numba'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not done.stdout.strip()
