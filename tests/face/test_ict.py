"""ICT-FaceKit: a second face model, and what our directions make of its named shapes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from elp.errors import ElpError
from elp.extraction.fit import fit
from elp.face import FaceModel, from_ict
from elp.face.ict import IBUG
from elp.simulator.scene import observe


@pytest.fixture(scope="module")
def ict(shared_data: Path) -> FaceModel:
    return from_ict(shared_data / "face_models" / "ict_facekit_face_f16.npz")


@pytest.mark.shared_data
def test_landmarks_lie_where_ours_do(ict: FaceModel) -> None:
    assert len(ict.expression) == 57 and len(ict.identity) == 100
    points = ict.mean[ict.landmarks]
    assert 5.8 < np.linalg.norm(points[[33, 133]].mean(0) - points[[362, 263]].mean(0)) < 6.8
    assert points[4, 2] == points[:, 2].min()  # the tip of the nose is foremost
    assert points[10, 1] < points[9, 1] < points[4, 1] < points[13, 1] < points[152, 1]
    for name, landmark in (
        ("eyeBlink_L", 386),
        ("eyeBlink_R", 159),
        ("mouthSmile_L", 291),
        ("jawOpen", 17),
    ):
        moved = np.linalg.norm(ict.expression[ict.index(name)][ict.landmarks], axis=1)
        assert moved[landmark] > 0.5 * moved.max(), name


@pytest.mark.shared_data
def test_our_names_agree_with_theirs(ict: FaceModel) -> None:
    ours = FaceModel.default()
    pairs = {
        "eyeBlink_L": "blink_l",
        "eyeBlink_R": "blink_r",
        "mouthSmile_L": "smile_l",
        "mouthSmile_R": "smile_r",
        "jawOpen": "jaw_open",
        "mouthFrown_L": "frown_l",
        "browDown_L": "brow_down_l",
        "browOuterUp_R": "brow_outer_up_r",
        "mouthPucker": "pucker",
    }
    beta = np.zeros((len(pairs) + 1, 57), np.float32)
    for row, name in enumerate(pairs):
        beta[row + 1, ict.index(name)] = 0.6
    pose = np.tile(np.array([0, 0, 0, 0, 0, 60], np.float32), (len(beta), 1))
    points = observe(ict, np.zeros(100, np.float32), beta, pose, 900.0, (512, 512))
    found = fit(points, (512, 512), smooth=0)
    change = (found.beta[1:, :28] - found.beta[0, :28]) / ours.full
    for row, (theirs, name) in enumerate(pairs.items()):
        k = ours.index(name)
        assert change[row, k] > 0.2, (theirs, name, change[row, k])
        assert k in np.argsort(-np.abs(change[row] * ours.full))[:3], (theirs, name)


@pytest.mark.shared_data
def test_it_can_be_fitted(ict: FaceModel) -> None:
    rng = np.random.default_rng(0)
    beta = np.clip(rng.normal(0.2, 0.2, (6, 57)), 0, 1).astype(np.float32)
    pose = np.concatenate(
        [0.1 * rng.normal(size=(6, 3)), rng.normal((0, 0, 60), size=(6, 3))], 1
    ).astype(np.float32)
    alpha = 0.5 * rng.normal(size=100).astype(np.float32)
    found = fit(
        observe(ict, alpha, beta, pose, 900.0, (512, 512)),
        (512, 512),
        ict,
        alpha=alpha,
        focal=900.0,
        smooth=0,
    )
    assert found.beta.shape == (6, 57) and found.rms.max() < 1.0
    assert np.abs(found.pose[:, :3] - pose[:, :3]).max() < np.radians(1)


def test_the_common_landmarks_of_the_left_are_those_of_the_right() -> None:
    """In iBUG's order, which puts them at these numbers."""
    jaw, brows, nose = range(16, -1, -1), range(26, 16, -1), (27, 28, 29, 30, *range(35, 30, -1))
    eyes = (45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40)
    lips = (*range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), *range(67, 64, -1))
    points = FaceModel.default().mean[list(IBUG)]
    across = points[[*jaw, *brows, *nose, *eyes, *lips]] * [-1, 1, 1]
    np.testing.assert_allclose(across, points, atol=1e-5)


def test_its_folder_of_obj_files_and_errors(tmp_path: Path) -> None:
    with pytest.raises(ElpError, match="not ICT-FaceKit"):
        from_ict(tmp_path)
    rng = np.random.default_rng(0)
    vertices = rng.normal(size=(200, 3))
    for name in ("generic_neutral_mesh", "jawOpen", "identity000"):
        lines = [f"v {x:.5f} {y:.5f} {z:.5f}" for x, y, z in vertices + (name == "jawOpen")]
        (tmp_path / f"{name}.obj").write_text("\n".join([*lines, "f 1/1/1 2/2/2 3/3/3 4/4/4"]))
    (tmp_path / "vertex_indices.json").write_text(f'{{"idx_to_landmark_verts": {list(range(68))}}}')
    model = from_ict(tmp_path)
    assert model.names == ("jawOpen",) and model.triangles.shape == (2, 3)
    np.testing.assert_allclose(model.expression[0], np.tile([1, -1, -1], (200, 1)), atol=1e-4)
