"""What the page counts while somebody talks is what the metrics find in whole clips."""

# T frame
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from elp.exports.events import Event, events, smile
from elp.face.model import FaceModel
from elp.motion import FPS, Clip
from tests.book.nodes import ask_node

SMILES = 60  # frames from one to the next


def rows(clip: Clip) -> list[dict[str, Any]]:
    """Frames of somebody as the page sees its listener."""
    motion, voice = clip.motion, clip.voice()
    pitch, yaw = np.rad2deg(motion.pose[:, :2]).T
    share = smile(motion, FaceModel.default())
    return [
        {"rank": rank, "voiced": bool(voiced), "pitch": p, "yaw": y, "shut": bool(b), "smile": s}
        for (rank, voiced), p, y, b, s in zip(
            voice[:, 1:3].tolist(),
            pitch.tolist(),
            yaw.tolist(),
            motion.blink.tolist(),
            share.tolist(),
            strict=True,
        )
    ]


def met(times: list[float], spans: list[Event], late: float) -> int:
    """How many of the times lie in a span of their own, or up to `late` seconds after it."""
    left, count = list(spans), 0
    for at in times:
        mine = next((e for e in left if e.onset - late / 4 <= at <= e.offset + late), None)
        if mine is not None:
            left.remove(mine)
            count += 1
    return count


@pytest.fixture(scope="module")
def speakers(simulated: Any) -> list[Clip]:
    return [simulated.speaker(pair) for pair in simulated.pairs().itertuples()]


def test_nods_and_blinks_are_those_of_the_metrics(speakers: list[Clip]) -> None:
    """Three nods of four, and few others; all blinks, and those with which a clip begins."""
    asked = ask_node("moments.mjs", {"series": [rows(clip) for clip in speakers]})["found"]
    right: dict[str, list[int]] = {}
    for clip, frames in zip(speakers, asked, strict=True):
        theirs = events(clip.motion, clip)
        for name, kind, late in (("nods", "nod", 0.5), ("blinks", "blink", 0.0)):
            mine = [t / FPS for t, began in enumerate(frames) if name in began]
            spans = [e for e in theirs if e.kind == kind]
            counts = right.setdefault(name, [0, 0, 0])
            for k, more in enumerate((len(mine), len(spans), met(mine, spans, late))):
                counts[k] += more
    for name, (counted, known, both) in right.items():
        least = 0.95 if name == "blinks" else 0.75
        assert known > 5, name
        assert both >= least * max(counted, known), (name, counted, known, both)


def test_smiles_are_counted_once_and_noise_never() -> None:
    """Each rise after a rest is one smile, however it trembles; a still face has none."""
    rng = np.random.default_rng(0)
    t = np.arange(600)
    noise = rng.normal(0, 0.01, len(t))
    waves = 0.4 * (np.sin(2 * np.pi * t / SMILES) > 0)
    flat = {"rank": 0.5, "voiced": False, "pitch": 0.0, "yaw": 0.0, "shut": False}
    series = [[{**flat, "smile": x} for x in (waves + noise).tolist()]]
    series += [[{**flat, "smile": x} for x in noise.tolist()]]
    smiling, still = ask_node("moments.mjs", {"series": series})["found"]
    begun = [k for k, began in enumerate(smiling) if "smiles" in began]
    assert len(begun) == len(t) // SMILES - 1  # the first is there from the start
    assert np.ptp(np.diff(begun)) <= 3
    assert not any(still)
