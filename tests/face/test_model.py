"""The face model: orthonormal, symmetric, and its names mean what they say."""

from __future__ import annotations

import numpy as np
import pytest

from elp.errors import ElpError
from elp.face import FaceModel
from elp.face.landmarks import LIDS, LIDS_L, LIPS
from elp.face.model import SKIN, load
from experiments.face_model.build import build
from experiments.face_model.topology import openings, triangles_of


@pytest.fixture(scope="module")
def model() -> FaceModel:
    return FaceModel.default()


def active(model: FaceModel, *names: str) -> np.ndarray:
    """(P, 3) displacement of directions at full activation."""
    return sum(model.full[model.index(n)] * model.expression[model.index(n)] for n in names)


def test_expression_rows_are_orthonormal(model: FaceModel) -> None:
    flat = model.expression.reshape(len(model.expression), -1).astype(float)
    assert flat.shape[0] == 100 and model.mean.shape == (468, 3)
    np.testing.assert_allclose(flat @ flat.T, np.eye(100), atol=1e-5)


def test_left_and_right_are_mirror_images(model: FaceModel) -> None:
    flip = np.array([-1, 1, 1])
    assert (model.mirror[model.mirror] == np.arange(468)).all()
    np.testing.assert_allclose(model.mean[model.mirror] * flip, model.mean, atol=1e-5)
    for name in model.names:
        mine = model.expression[model.index(name)]
        other = model.expression[
            model.index(name[:-2] + {"_l": "_r", "_r": "_l"}.get(name[-2:], name[-2:]))
        ]
        sign = -1 if name in ("jaw_side", "mouth_shift") else 1
        np.testing.assert_allclose(mine[model.mirror] * flip, sign * other, atol=1e-4, err_msg=name)
    # the subject's left is on the picture's right
    assert model.mean[263, 0] > 0 > model.mean[33, 0]


def test_no_expression_turns_moves_or_scales_the_skull(model: FaceModel) -> None:
    from elp.face.skull import rigid, skull

    weight = np.repeat(skull(468), 3)
    anchored = rigid(model.mean.astype(float)) * weight
    moved = model.expression.reshape(100, -1) @ anchored.T
    assert np.abs(moved).max() < 1e-5


def test_a_blink_shuts_the_eye_and_nothing_else(model: FaceModel) -> None:
    shut = model.mean + active(model, "blink_l")
    gap = lambda p, row: np.abs(p[list(LIDS_L["upper"]), 1] - p[list(LIDS_L["lower"]), 1])[row]  # noqa: E731
    assert (gap(shut, slice(1, 6)) < 0.15 * gap(model.mean, slice(1, 6))).all()
    assert np.abs(active(model, "blink_l")[model.mirror[list(LIDS_L["upper"])]]).max() < 0.05
    assert np.abs(active(model, "blink_l")[[61, 291, 152, 4]]).max() < 0.05


@pytest.mark.parametrize(
    ("name", "point", "axis", "sign"),
    [
        ("smile_l", 291, 1, -1),
        ("smile_l", 291, 0, 1),
        ("smile_r", 61, 0, -1),
        ("frown_l", 291, 1, 1),
        ("jaw_open", 17, 1, 1),
        ("brow_inner_up", 107, 1, -1),
        ("brow_outer_up_l", 334, 1, -1),
        ("brow_down_r", 66, 1, 1),
        ("pucker", 291, 0, -1),
        ("pucker", 0, 2, -1),
        ("upper_lip_raise", 13, 1, -1),
        ("lower_lip_drop", 14, 1, 1),
        ("jaw_side", 152, 0, 1),
        ("squint_l", 374, 1, -1),
        ("stretch", 291, 0, 1),
        ("cheek_puff", 425, 2, -1),
        ("chin_raise", 199, 1, -1),
        ("nose_wrinkle", 129, 1, -1),
    ],
)
def test_named_directions_move_what_they_name(
    model: FaceModel, name: str, point: int, axis: int, sign: int
) -> None:
    assert sign * active(model, name)[point, axis] > 0.1


def test_lips_and_lids_are_named_alike_on_both_sides(model: FaceModel) -> None:
    mean = model.mean[np.asarray(model.landmarks)]
    across = [(row, row[::-1]) for row in LIPS.values()]
    across += [(LIDS["r"][name], LIDS["l"][name]) for name in LIDS["r"]]
    for side, other in across:
        np.testing.assert_allclose(mean[list(side)] * [-1, 1, 1], mean[list(other)], atol=1e-5)


def test_lips_touch_in_neutral_faces_of_all_people(model: FaceModel) -> None:
    faces = model.shape(np.random.default_rng(0).normal(size=(50, len(model.identity))))
    gap = (
        faces[:, list(LIPS["lower_inner"][1:-1]), 1] - faces[:, list(LIPS["upper_inner"][1:-1]), 1]
    )
    assert np.abs(gap).max() < 0.2


def test_the_shipped_file_is_what_the_script_makes(model: FaceModel) -> None:
    made = build()
    np.testing.assert_allclose(made["mean"], model.mean, atol=0.01)
    np.testing.assert_allclose(made["full"], model.full, rtol=0.01)
    np.testing.assert_allclose(made["expression"][:28], model.expression[:28], atol=0.01)
    np.testing.assert_allclose(made["deviation"], model.deviation, rtol=0.02)
    assert (made["triangles"] == model.triangles).all() and tuple(made["names"]) == model.names


def test_named_amounts(model: FaceModel) -> None:
    beta = model.beta(jaw_open=0.5)
    assert (
        beta.shape == (100,)
        and np.count_nonzero(beta) == 1
        and beta[model.index("jaw_open")] == 0.5 * model.full[model.index("jaw_open")]
    )


def test_shape_broadcasts(model: FaceModel) -> None:
    rng = np.random.default_rng(0)
    alpha, beta = rng.normal(size=len(model.identity)), rng.normal(size=(4, 100))
    np.testing.assert_allclose(model.shape(alpha, beta)[2], model.shape(alpha, beta[2]), atol=1e-5)
    assert model.shape().shape == (468, 3) and model.shape(None, beta).shape == (4, 468, 3)


def test_proportions_are_a_humans(model: FaceModel) -> None:
    p = model.mean
    # between the pupils
    assert 6.1 < np.linalg.norm(p[[33, 133]].mean(0) - p[[362, 263]].mean(0)) < 6.5
    assert 4.2 < p[291, 0] - p[61, 0] < 5.4  # mouth
    assert 3.3 < p[358, 0] - p[129, 0] < 4.3  # nose
    assert 12.5 < np.ptp(p[:, 0]) < 14.5 and 14 < np.ptp(p[:, 1]) < 17.5


def test_the_mesh_is_closed_but_for_its_outline(model: FaceModel) -> None:
    edges = np.sort(
        np.concatenate(
            [model.triangles[:, [0, 1]], model.triangles[:, [1, 2]], model.triangles[:, [2, 0]]]
        ),
        1,
    )
    uses = np.unique(edges, axis=0, return_counts=True)[1]
    assert (
        len(model.triangles) == SKIN + 46 == 898 and set(uses) == {1, 2} and (uses == 1).sum() == 36
    )
    a, b, c = model.mean[model.triangles[:SKIN]].transpose(1, 0, 2)
    assert np.cross(b - a, c - a)[:, 2].mean() < 0  # towards the camera
    assert (openings(model.mirror) == model.triangles[SKIN:]).all()


def test_triangles_come_from_edges_alone() -> None:
    octahedron = [(i, j) for i in range(6) for j in range(i + 1, 6) if i + j != 5]
    assert len(triangles_of(octahedron)) == 8


def test_errors_say_what_to_do(model: FaceModel, tmp_path) -> None:
    with pytest.raises(ElpError, match="choose one of blink_l"):
        model.index("grin")
    (tmp_path / "x.npz").write_bytes(b"no")
    with pytest.raises(ElpError, match="not a face model"):
        load(tmp_path / "x.npz")
    with pytest.raises(ElpError, match="not a face model"):
        load(tmp_path)  # no regular file: opened by nobody
