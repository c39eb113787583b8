"""What single heads do, and the frame whose story is told."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from elp.book import heads
from elp.book.analysis import Codes
from elp.book.widgets.story import SIDE, scenes
from elp.face import FaceModel
from elp.listener.responder import ELPResponder
from elp.model.ase import ASE, ASEConfig

FACE = FaceModel.default()
PARTS = heads.regions(FACE)
H, V, N = 6, 4, 3


@pytest.fixture(scope="module")
def responder():
    torch.manual_seed(0)
    return ELPResponder(ASE(ASEConfig(heads=H, categories=V, hidden=16, blink_hidden=8)))


def test_parts_of_the_face_are_where_they_are_called():
    assert not set(PARTS["mouth"]) & (set(PARTS["brows"]) | set(PARTS["lids"]))
    height = {name: FACE.mean[points, 1].mean() for name, points in PARTS.items()}  # y down
    assert sorted(height, key=height.__getitem__) == ["brows", "lids", "cheeks", "mouth", "chin"]
    for points in PARTS.values():  # as much on either side
        assert abs(FACE.mean[points, 0].mean()) < 0.3


def test_entropy_is_between_one_category_and_all():
    counts = np.array([[8, 0, 0, 0], [2, 2, 2, 2], [4, 4, 0, 0]])
    assert np.allclose(heads.entropy(counts), [0, 2, 1])


def test_a_smile_moves_the_mouth_and_brows_the_brows():
    smile, brows = (
        dict(zip(PARTS, heads.moved(FACE.beta(**shares), FACE, PARTS), strict=True))
        for shares in ({"smile_l": 1, "smile_r": 1}, {"brow_down_l": 1, "brow_down_r": 1})
    )
    assert smile["mouth"] > 2 * smile["brows"] > 0
    assert brows["brows"] > 2 * brows["mouth"]


def test_a_head_that_nobody_reads_moves_nothing(responder):
    base = np.random.default_rng(0).integers(0, V, (3, 8, H))
    nobody = np.zeros(3)
    codes = Codes(
        base=base,
        emotion=np.array([0, 1, 2]),
        listener=nobody,
        recording=nobody,
        split=nobody,
        style=np.zeros((3, 1), np.float32),
        real=np.zeros((3, 8, 100), np.float32),
        categories=V,
        emotions=responder.emotions,
    )
    model = responder.model
    with torch.no_grad():
        model.coding.table[:, 2] = model.coding.table[:, 2, :1]  # one word for all its categories
    found = heads.sensitivity(model, codes, FACE, PARTS)
    assert found.shape == (H, len(PARTS))
    assert np.allclose(found[2], 0, atol=1e-6)
    assert (found[[0, 1, 3, 4, 5]] > 1e-6).all()


def test_spread_is_that_of_the_answers():
    beta = np.zeros((4, 5, 100), np.float32)
    assert not heads.spread(beta, FACE, PARTS).any()
    beta[:2] += FACE.beta(smile_l=1, smile_r=1)
    found = heads.spread(beta, FACE, PARTS)
    assert np.allclose(found, found[0])  # all are as far from the mean
    points = heads.spread_of_points(beta, FACE)
    mouth = np.sqrt(np.square(points[PARTS["mouth"]]).mean())
    assert mouth == pytest.approx(found[0, list(PARTS).index("mouth")], rel=1e-4)


def test_a_story_moves_every_square_by_whole_blocks(responder):
    codes = np.random.default_rng(0).integers(0, V, (9, H))
    frame = heads.story_frame(responder, codes, 4, head=2, size=24)
    assert frame.vectors.shape[:2] == (N, H)
    assert [frame.word(n, 2) for n in range(N)] == [n * V + codes[4, 2] + 1 for n in range(N)]
    told = [scenes(frame, n) for n in range(N)]
    for n, steps in enumerate(told):
        before, after = (np.array(steps[k].at) for k in (0, 2))
        shift = after - before
        assert np.allclose(shift, [n * V * SIDE, 0], atol=0.11)
        assert str(frame.word(n, 2)) in steps[3].text
    assert [s.title for s in told[0]] == [s.title for s in told[1]]
    assert told[0][5].scenery != told[2][5].scenery  # another face
