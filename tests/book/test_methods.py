"""The browser of methods: the answers are the corpus's own, and the page draws what was given."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from elp.book import claims
from elp.book.answers import Answered, answered
from elp.book.widgets import methods as page
from elp.corpus import Corpus
from elp.face import FaceModel

FACE = FaceModel.default()
FRAMES = 110


@pytest.fixture(scope="module")
def one(simulated: Corpus) -> Answered:
    return answered(simulated.card["made"], frames=FRAMES)


def numbers(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), kind)


def test_one_clip_alone_is_the_corpus_s_own(simulated: Corpus, one: Answered) -> None:
    pair = next(p for p in simulated.pairs("test").itertuples() if p.clip == one.clip)
    assert simulated.emotions[pair.emotion] == one.emotion == "positive"
    true, seen = simulated.listener(pair), simulated.speaker(pair).motion
    # a corpus stores fewer digits
    assert np.allclose(one.answers["real listener"].beta, true.beta[:FRAMES], atol=4e-3)
    assert np.allclose(one.speaker.motion.pose, seen.pose[:FRAMES], atol=2e-3)
    assert len(one.sound) == 640 * FRAMES and np.abs(one.sound).max() > 0.05


def test_no_two_methods_answer_alike(one: Answered) -> None:
    moves = {name: m.pose[:, :3] for name, m in one.answers.items()}
    assert all(len(m) == FRAMES for m in moves.values())
    names = list(moves)
    assert not [
        (a, b) for a in names for b in names if a < b and np.allclose(moves[a], moves[b], atol=1e-3)
    ]


def test_heads_are_those_of_the_motions(one: Answered) -> None:
    motions = [one.speaker.motion, *one.answers.values()]
    packed = page.faces(motions, FACE)
    steps, count = np.array(packed["steps"]), packed["count"]
    points = numbers(packed["points"], "<i2").reshape(-1, count, 3) * steps[:, None, None]
    rows = len(motions) * FRAMES
    weights = numbers(packed["weights"], np.int8).reshape(rows, -1).astype(float)
    lids = numbers(packed["lids"], np.uint8)
    pose = packed["step"] * numbers(packed["pose"], "<i2").reshape(rows, 6)
    for who, motion in enumerate(motions):
        beta, closed = page.lids(motion, FACE)
        at = who * FRAMES + 60
        drawn = points[0] + np.tensordot([lids[at], *weights[at]], points[1:], 1)
        shut = FACE.beta(blink_l=closed[60], blink_r=closed[60])
        off = np.linalg.norm(drawn - FACE.shape(beta=beta[60] + shut), axis=1)
        assert off.mean() < 0.08 and off.max() < 0.5  # cm
        assert np.abs(pose[at, :3] - motion.pose[60, :3]).max() < 1e-3  # radians


def test_values_are_written_with_their_intervals() -> None:
    assert claims.written({"value": -0.1, "low": -0.2, "high": 0.1}) == "−0.10 (−0.20 to 0.10)"
    assert claims.written({"value": 2.0, "low": 2.0, "high": 2.0}) == "2.00"
    assert claims.written(None) == "–"
