"""What the page hears is what Python hears: sound, prosody, and what the model makes of both."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest
import soxr

from elp.book.widgets import weights as packed
from elp.listener import ELPResponder
from elp.media.audio import HOP, RATE, CepstraStream
from elp.media.prosody import ProsodyStream
from elp.motion import SILENT
from tests.book.nodes import ask_node
from tests.media.test_prosody import talk


def test_cepstra_and_prosody_are_pythons():
    sound = np.concatenate([np.zeros(HOP * 3, np.float32), talk(4.0)])
    found = ask_node("hearing.mjs", {"sound": sound.tolist(), "silent": SILENT})
    mfcc, prosody = CepstraStream().push(sound), ProsodyStream().push(sound)
    assert prosody[:, 2].mean() > 0.3  # there is a voice to compare
    np.testing.assert_allclose(found["mfcc"], mfcc, atol=1e-3)
    np.testing.assert_allclose(found["prosody"], prosody, atol=1e-3)


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
def test_other_rates_become_16_khz(rate):
    t = np.arange(rate) / rate
    low = sum(np.sin(2 * np.pi * f * t + f) for f in (110, 900, 3400)) / 4
    high = np.sin(2 * np.pi * 9500 * t) / 4 if rate > RATE else 0
    found = np.array(
        ask_node("hearing.mjs", {"rate": rate, "samples": (low + high).tolist()})["resampled"]
    )
    assert 0 <= RATE - len(found) <= 100  # what must wait for the sound after it
    at = np.arange(len(found)) / RATE
    expected = sum(np.sin(2 * np.pi * f * at + f) for f in (110, 900, 3400)) / 4
    inner = slice(200, -200)
    assert np.abs(found - expected)[inner].max() < 1e-3


def test_resampled_speech_is_heard_alike():
    sound = talk(2.0)
    recorded = soxr.resample(sound, RATE, 44100)
    found = np.array(
        ask_node("hearing.mjs", {"rate": 44100, "samples": recorded.tolist()})["resampled"],
        np.float32,
    )
    ours = CepstraStream().push(found)
    theirs = CepstraStream().push(soxr.resample(recorded, 44100, RATE))[: len(ours)]
    assert np.abs(ours - theirs).mean() < 0.1 * theirs.std(0).mean()


@pytest.fixture(scope="module")
def responder() -> ELPResponder:
    return ELPResponder.from_checkpoint()


def heard(responder: ELPResponder, speaker: Any) -> list[dict[str, np.ndarray]]:
    """The page's cues of a speaker, frame by frame."""
    weights, sizes = packed.hearing(responder.model)
    motion = speaker.motion
    series = {"mfcc": speaker.mfcc, "prosody": speaker.voice()}
    series |= {"beta": motion.beta, "pose": motion.pose}
    rows = [
        {name: x[t].tolist() for name, x in series.items()} | {"blink": int(motion.blink[t])}
        for t in range(len(speaker))
    ]
    data = base64.b64encode(weights.data).decode()
    found = ask_node(
        "hearing.mjs", {"weights": data, "layout": weights.layout, "sizes": sizes, "rows": rows}
    )["cues"]
    return [{name: np.array(x) for name, x in row.items()} for row in found]


def test_the_page_makes_the_same_cues(responder, simulated, monkeypatch):
    """Unrounded to 1e-4, and with rounded weights not far from it."""
    speaker = simulated.speaker(next(simulated.pairs().itertuples()))[:40]
    expected = packed.cues(responder, speaker)
    rounded = heard(responder, speaker)
    monkeypatch.setattr(packed, "Levels", lambda values, steps: values)
    exact = heard(responder, speaker)
    for name, wanted in expected.items():
        scale = wanted.std()
        assert np.abs(np.stack([r[name] for r in exact]) - wanted).max() < 1e-4 * scale * 10, name
        assert np.abs(np.stack([r[name] for r in rounded]) - wanted).std() < 0.05 * scale, name
