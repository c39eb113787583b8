"""The mesh video: a face that moves as it is told, and whole files or none."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from elp.errors import ElpError
from elp.face.model import FaceModel
from elp.motion import Motion
from elp.render import film, mesh_frames


def motion(frames: int = 3, **parts: np.ndarray) -> Motion:
    model = FaceModel.default()
    still = {
        "beta": np.zeros((frames, len(model.expression)), np.float32),
        "pose": np.zeros((frames, 6), np.float32),
        "blink": np.zeros(frames, np.uint8),
    }
    return Motion(**(still | parts))


def centre(picture: np.ndarray) -> np.ndarray:
    rows, columns = np.nonzero(picture.min(-1) < 250)
    return np.array([columns.mean(), rows.mean()])


@pytest.mark.parametrize("size", [256, 512])
def test_the_mesh_moves_with_the_pose(size: int) -> None:
    pose = np.zeros((3, 6), np.float32)
    pose[1, 3:] = [3, 0, 0]  # cm to the right
    pose[2, 3:] = [0, 2, 0]
    frames = list(mesh_frames(motion(pose=pose), size))
    assert {f.shape for f in frames} == {(size, size, 3)}
    still, right, down = map(centre, frames)
    cm = size / 22
    np.testing.assert_allclose(right - still, [3 * cm, 0], atol=0.3 * cm)
    np.testing.assert_allclose(down - still, [0, 2 * cm], atol=0.3 * cm)


def test_a_blink_closes_the_eyes_of_the_mesh() -> None:
    dark = [np.abs(f.astype(int) - (50, 52, 70)).max(-1) < 8 for f in mesh_frames(motion())]
    blink = motion(blink=np.array([0, 1, 0], np.uint8))
    shut = [np.abs(f.astype(int) - (50, 52, 70)).max(-1) < 8 for f in mesh_frames(blink)]
    assert shut[1][:128].sum() < 0.3 * dark[1][:128].sum()
    assert np.array_equal(shut[0], dark[0])


def test_light_falls_from_above_the_left_and_the_camera() -> None:
    picture = next(mesh_frames(motion(1))).astype(float)
    face = (picture.min(-1) < 250).astype(np.uint8)
    skin = cv2.erode(face, np.ones((9, 9))) * (picture[..., 0] > picture[..., 2] + 3) > 0
    rows, columns = np.nonzero(skin)
    grey = picture[skin].mean(-1)
    assert grey[columns < 118].mean() > grey[columns > 138].mean() + 10
    assert grey[rows < 100].mean() > grey[rows > 156].mean() + 10
    # skin that faces the light, and no darker than the shade
    np.testing.assert_allclose(picture[skin].max(0), [245, 233, 224], atol=0.5)
    assert (np.percentile(picture[skin], 1, axis=0) >= [80, 78, 76]).all()


def test_frames_that_are_not_valid_repeat_the_last_one() -> None:
    pose = np.zeros((3, 6), np.float32)
    pose[1:, 3] = [3, 5]
    frames = list(mesh_frames(motion(pose=pose, valid=np.array([True, True, False]))))
    assert np.array_equal(frames[1], frames[2])


def test_what_cannot_be_shown_is_said_before_the_first_picture(tmp_path: Path) -> None:
    with pytest.raises(ElpError, match="size 255"):
        mesh_frames(motion(), 255)
    with pytest.raises(ElpError, match="7 expression coefficients"):
        mesh_frames(motion(beta=np.zeros((3, 7), np.float32)))
    motion().save(tmp_path / "m.npz")
    with pytest.raises(ElpError, match=r"\.mp4"):
        film(tmp_path / "m.npz", tmp_path / "m.gif")
    with pytest.raises(ElpError, match="size 6"):
        film(tmp_path / "m.npz", tmp_path / "m.mp4", size=6)
    assert [p.name for p in tmp_path.iterdir()] == ["m.npz"]


def test_a_mesh_video_has_as_many_frames_as_the_motion(tmp_path: Path) -> None:
    from elp.media.video import frames

    motion(5).save(tmp_path / "m.npz")
    film(tmp_path / "m.npz", tmp_path / "m.mp4", size=64)
    assert [f.shape for f in frames(tmp_path / "m.mp4")] == [(64, 64, 3)] * 5
