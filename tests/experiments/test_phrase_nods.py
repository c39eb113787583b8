"""What counts as a phrase that is met with a nod."""

from __future__ import annotations

import numpy as np
import pytest

from elp.face import FaceModel
from elp.motion import MFCC, PROSODY, SILENT, Clip, Motion
from experiments.phrase_nods import counts, summed

FRAMES = 500
TIMES = np.arange(FRAMES) / 25


def still(pitch: np.ndarray) -> Motion:
    pose = np.zeros((FRAMES, 6), np.float32)
    pose[:, 0] = pitch
    blink = np.zeros(FRAMES, np.uint8)
    return Motion(beta=FaceModel.default().beta()[None].repeat(FRAMES, 0), pose=pose, blink=blink)


def nod(begin: float) -> np.ndarray:
    """(T,) radians: two swings of five degrees."""
    phase = 2 * (TIMES - begin)
    return np.deg2rad(2.5) * np.where((phase > 0) & (phase < 2), np.sin(2 * np.pi * phase), 0)


@pytest.fixture(scope="module")
def speaker() -> Clip:
    """Two long phrases that end at 4 and 10 s, a short one that ends at 14 s, a long one whose end
    comes too late for an answer.
    """
    spans = ((1, 4), (7, 10), (13, 14), (16, 19.5))
    prosody = np.tile(np.asarray(SILENT, np.float32), (FRAMES, 1))
    for begin, end in spans:
        prosody[(begin <= TIMES) & (end > TIMES), PROSODY.index("voiced")] = 1
    return Clip(
        motion=still(np.zeros(FRAMES)), mfcc=np.zeros((FRAMES, MFCC), np.float32), prosody=prosody
    )


@pytest.mark.parametrize(
    ("nods", "met"),
    [((), 0), ((4.3,), 1), ((4.3, 10.2), 2), ((5.6, 8.0), 0), ((14.2,), 0), ((2.0,), 0)],
)
def test_long_phrases_are_met_by_nods_within_their_time(
    speaker: Clip, nods: tuple[float, ...], met: int
) -> None:
    found = counts(speaker, still(sum((nod(x) for x in nods), np.zeros(FRAMES))))
    assert found[:2].tolist() == [met, 2]


def test_whoever_always_nods_is_at_chance(speaker: Clip) -> None:
    shares = summed([counts(speaker, still(np.deg2rad(2.5) * np.sin(4 * np.pi * TIMES)))])
    assert shares["met"] == shares["chance"] == 1
