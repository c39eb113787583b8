"""Blendshapes: Live Link Face's layout, values in range, the right sides and signs, and no more
trust than was measured.
"""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from elp.cli import app
from elp.errors import ElpError
from elp.exports import ROTATIONS, SHAPES, blendshapes, reliability, rotations, write_arkit
from elp.exports.arkit import DIRECTIONS, direction, timecode
from elp.face.model import FaceModel
from elp.motion import Motion

MODEL = FaceModel.default()


def motion(frames: int = 3, seed: int = 0, **shares: float) -> Motion:
    """Some listener with named directions at a share of their full activation."""
    rng = np.random.default_rng(seed)
    pose = (rng.normal(size=(frames, 6)) * 0.1).astype(np.float32)
    beta = np.tile(MODEL.beta(**shares), (frames, 1))
    return Motion(beta=beta, pose=pose, blink=np.zeros(frames, np.uint8))


def shown(**shares: float) -> dict[str, float]:
    """Which shapes a face makes."""
    row = blendshapes(motion(1, **shares))[0]
    return {name: float(x) for name, x in zip(SHAPES, row, strict=True) if x > 0}


def test_names_are_apples() -> None:
    assert len(set(SHAPES)) == 52 and len(set(ROTATIONS)) == 9
    stems = {s.removesuffix("Left").removesuffix("Right") for s in SHAPES}
    assert set(DIRECTIONS) <= stems | set(SHAPES)
    assert {found[0] for s in SHAPES if (found := direction(s))} == set(MODEL.names)


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ({"smile_l": 0.5}, {"MouthSmileLeft": 0.5}),
        ({"jaw_open": 2.0}, {"JawOpen": 1.0}),
        ({"jaw_side": 0.25}, {"JawLeft": 0.25}),
        ({"jaw_side": -0.25}, {"JawRight": 0.25}),
        ({"blink_r": -0.2}, {"EyeWideRight": 0.2}),
        ({"press": 0.4}, {"MouthPressLeft": 0.4, "MouthPressRight": 0.4}),
    ],
)
def test_a_direction_moves_its_own_shapes(
    shares: dict[str, float], expected: dict[str, float]
) -> None:
    assert shown(**shares) == pytest.approx(expected, abs=1e-6)


def test_sides_are_the_subjects() -> None:
    """A face's left lies on the right of its picture, where x is positive."""
    for name in SHAPES:
        found = direction(name)
        if found and found[0].endswith(("_l", "_r")):
            row = MODEL.expression[MODEL.index(found[0])]
            weight = np.abs(row).sum(1)
            x = float((weight * MODEL.mean[:, 0]).sum() / weight.sum())
            assert (x > 0) == name.endswith("Left"), name
    jaw = MODEL.expression[MODEL.index("jaw_side"), 152, 0]  # the chin
    assert jaw > 0 and direction("JawLeft") == ("jaw_side", 1)


def test_blinks_shut_the_lids() -> None:
    still = motion(9)
    blink = np.array([0, 0, 1, 1, 1, 1, 1, 0, 0], np.uint8)
    lids = blendshapes(Motion(beta=still.beta, pose=still.pose, blink=blink))
    for name in ("EyeBlinkLeft", "EyeBlinkRight"):
        course = lids[:, SHAPES.index(name)]
        assert course.max() == 1 and course[4] == 1
        assert not course[[0, 1, 7, 8]].any()


@given(st.integers(0, 2**16))
def test_values_are_shares(seed: int) -> None:
    rng = np.random.default_rng(seed)
    beta = (rng.normal(size=(4, 100)) * 5).astype(np.float32)
    blink = rng.integers(0, 2, 4).astype(np.uint8)
    any_motion = Motion(beta=beta, pose=rng.normal(size=(4, 6)).astype(np.float32), blink=blink)
    found = blendshapes(any_motion)
    assert found.shape == (4, 52) and found.min() >= 0 and found.max() <= 1
    unknown = [k for k, name in enumerate(SHAPES) if reliability(name) == "none"]
    assert not found[:, unknown].any() and not rotations(any_motion)[:, 3:].any()


def test_rotations_have_unreals_signs() -> None:
    """Up, to the subject's right, to the subject's right shoulder; and radians."""
    pose = np.zeros((4, 6), np.float32)
    pose[1, 0], pose[2, 1], pose[3, 2] = -0.3, 0.2, -0.1
    head = rotations(Motion(beta=np.zeros((4, 100)), pose=pose, blink=np.zeros(4)))[:, :3]
    expected = [[0, 0, 0], [0, 0.3, 0], [0.2, 0, 0], [0, 0, 0.1]]
    np.testing.assert_allclose(head, expected, atol=1e-6)


def test_unseen_frames_hold_the_last_seen_one() -> None:
    beta = np.stack([MODEL.beta(jaw_open=x) for x in (0.9, 0.2, 0.7, 0.4)])
    valid = np.array([False, True, False, True])
    course = blendshapes(Motion(beta=beta, pose=np.zeros((4, 6)), blink=np.zeros(4), valid=valid))[
        :, SHAPES.index("JawOpen")
    ]
    np.testing.assert_allclose(course, [0, 0.2, 0.2, 0.4], atol=1e-6)


def test_a_file_is_read_back_by_csv(tmp_path: Path) -> None:
    given_motion = motion(27, smile_l=0.3)
    write_arkit(tmp_path / "out.csv", given_motion)
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["Timecode", "BlendShapeCount", *SHAPES, *ROTATIONS]
    assert [rows[k][0] for k in (0, 24, 25, 26)] == [
        "00:00:00:00.000",
        "00:00:00:24.000",
        "00:00:01:00.000",
        "00:00:01:01.000",
    ]
    values = np.array([row[1:] for row in rows], float)
    assert (values[:, 0] == 61).all()
    np.testing.assert_allclose(values[:, 1:53], blendshapes(given_motion), atol=1e-6)
    np.testing.assert_allclose(values[:, 53:], rotations(given_motion), atol=1e-6)


def test_a_table_is_read_back_by_pandas(tmp_path: Path) -> None:
    motion = Motion(
        beta=MODEL.beta(jaw_open=0.4, smile_l=0.2)[None].repeat(3, 0),
        pose=np.full((3, 6), 0.1, np.float32),
        blink=np.array([0, 1, 0]),
    )
    table = motion.to_arkit()
    assert table.index.tolist() == [0, 0.04, 0.08] and table.shape == (3, 61)
    assert table["JawOpen"].iloc[0] == pytest.approx(0.4)
    write_arkit(tmp_path / "a.csv", motion)
    read = pd.read_csv(tmp_path / "a.csv").drop(columns=["Timecode", "BlendShapeCount"])
    pd.testing.assert_frame_equal(
        read, table.reset_index(drop=True), check_dtype=False, rtol=0, atol=1e-6
    )


def test_the_command_says_which_shapes_to_trust(tmp_path: Path) -> None:
    motion(5).save(tmp_path / "m.npz")
    out = tmp_path / "a.csv"
    ran = CliRunner().invoke(app, ["convert", str(tmp_path / "m.npz"), "--arkit", str(out)])
    first, second = ran.stdout.splitlines()
    assert first == f"{out}: 5 frames, 0.2 s" and second.startswith(f"{out}: JawOpen, EyeBlink, ")
    poor = {name for name in SHAPES if reliability(name) in ("poor", "none")}
    assert poor and not poor & set(re.findall(r"[A-Z]\w+", second))


def test_timecodes_pass_the_hour() -> None:
    assert timecode(25 * 3661 + 7, 25.0) == "01:01:01:07.000"


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    other = Motion(beta=np.zeros((2, 20)), pose=np.zeros((2, 6)), blink=np.zeros(2))
    with pytest.raises(ElpError, match="20 expression coefficients"):
        write_arkit(tmp_path / "out.csv", other)
    with pytest.raises(ElpError, match="ending"):
        write_arkit(tmp_path / "out.txt", motion())
    assert not list(tmp_path.iterdir())


def test_no_more_trust_than_was_measured(root: Path) -> None:
    """`reliability` says what the result file says."""
    measured = json.loads((root / "book/results/arkit.json").read_text())["shapes"]
    by_stem: dict[str, list[list[float | None]]] = {}
    for name, row in measured.items():
        stem = name.removesuffix("Left").removesuffix("Right")
        by_stem.setdefault(name if name in DIRECTIONS else stem, []).append(row["clips"])
    for stem, sides in by_stem.items():
        clips = [[r for r in clip if r is not None] for clip in zip(*sides, strict=True)]
        means = [np.mean(clip) for clip in clips if clip]
        r = np.mean(means) if len(means) > 1 else 0
        expected = "good" if r >= 0.75 else "fair" if r >= 0.5 else "poor"
        shapes = [s for s in SHAPES if s in (stem, f"{stem}Left", f"{stem}Right")]
        assert [reliability(s) for s in shapes] == [expected] * len(shapes), (stem, r)
