"""The last mile: a motion comes in from the portrait, breathes, and looks at its partner."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage import data

from elp.errors import ElpError
from elp.face.model import FaceModel
from elp.motion import Motion, runs
from elp.render import Manner, Portrait, WarpRenderer, render
from elp.render import gaze as eyes
from elp.render.manner import AWAKE, awake, own_gaze, stressed, surplus


@pytest.fixture(scope="module")
def portrait() -> Portrait:
    return Portrait.load(data.astronaut())


def smiling(frames: int, portrait: Portrait) -> Motion:
    beta = np.tile(portrait.model.beta(smile_l=1, smile_r=1), (frames, 1))
    pose = np.tile(np.float32([0.1, 0, 0, 1, 0, 0]), (frames, 1))
    return Motion(beta=beta, pose=pose, blink=np.zeros(frames))


def test_the_first_frame_is_the_portrait_and_nothing_jumps(portrait: Portrait) -> None:
    asked = smiling(40, portrait)
    shown, manner = Manner().motion(asked, portrait), Manner()
    assert not shown.beta[0].any() and not shown.pose[0].any()
    assert not manner.looks(40, portrait)[0].any() and not manner.sway(asked)[0].any()
    turn = np.diff(shown.pose[:, 0])
    assert turn.max() < 0.2 * asked.pose[0, 0] and (turn >= 0).all()  # no jump, no way back
    assert np.allclose(shown.pose[20:, 0], asked.pose[20:, 0])  # half a second: it has come


def test_own_expression_is_let_go_only_where_it_is_sure(portrait: Portrait) -> None:
    own, full = surplus(portrait), portrait.model.full
    share, left = portrait.beta[: len(full)] / full, own[: len(full)] / full
    assert (np.abs(left) <= np.abs(share) + 1e-6).all() and (left * share >= 0).all()
    assert not own[len(full) :].any()
    smile = portrait.model.index("smile_l")
    assert share[smile] > 0.5 and 0 < left[smile] < share[smile]  # the astronaut smiles
    rest = Motion(beta=np.zeros((30, 100)), pose=np.zeros((30, 6)), blink=np.zeros(30))
    shown = Manner(relax=1).motion(rest, portrait)
    assert np.allclose(shown.beta[-1], -own, atol=1e-6)
    assert not Manner(relax=0).motion(rest, portrait).beta.any()


def test_expression_is_strengthened_but_lids_and_pose_are_not(portrait: Portrait) -> None:
    model = portrait.model
    beta = np.tile(model.beta(smile_l=0.4, smile_r=0.4, blink_l=1, blink_r=1), (30, 1))
    asked = Motion(beta=beta, pose=np.full((30, 6), 0.1), blink=np.zeros(30))
    plain, strong = (Manner(vivid=x, relax=0, breath=0).motion(asked, portrait) for x in (1.0, 2.0))
    smile, lid = model.index("smile_l"), model.index("blink_l")
    others = np.arange(len(model.expression)) > model.index("blink_r")
    assert np.allclose(plain.beta[-1, others], beta[-1, others])
    assert strong.beta[-1, smile] == pytest.approx(2 * beta[-1, smile])
    assert strong.beta[-1, lid] == pytest.approx(plain.beta[-1, lid])
    assert np.array_equal(strong.pose, plain.pose)


def test_lasting_lowered_brows_are_strengthened_most_a_twitch_is_not(portrait: Portrait) -> None:
    model = portrait.model
    face = model.beta(frown_l=0.4, frown_r=0.3, brow_down_l=0.4, brow_down_r=0.4, brow_inner_up=0.2)
    lasting, twitch = np.tile(face, (60, 1)), np.zeros((60, len(face)), np.float32)
    twitch[30] = face
    sides, brow = ([model.index(f"{x}_{e}") for e in "lr"] for x in ("frown", "brow_down"))
    inner = model.index("brow_inner_up")
    shown, brief = (
        stressed(x, model, 1.5)[30] / np.where(face, face, 1) for x in (lasting, twitch)
    )
    assert (shown[brow] > 2 * shown[sides]).all() and shown[sides] == pytest.approx(1.5)
    assert shown[brow[0]] == pytest.approx(shown[brow[1]])  # both sides alike
    assert shown[inner] < 1.5 and brief[brow] == pytest.approx(1.5, abs=0.1)
    assert np.allclose(stressed(lasting, model, 1.0), lasting)


def test_eyes_narrow_where_brows_are_lowered_but_not_in_a_smile(portrait: Portrait) -> None:
    model = portrait.model
    squint, outer = model.index("squint_l"), model.index("brow_outer_up_l")
    knit = stressed(np.tile(model.beta(brow_down_l=0.4, brow_down_r=0.4), (60, 1)), model, 1.5)[30]
    pleased = stressed(np.tile(model.beta(smile_l=0.5, smile_r=0.5), (60, 1)), model, 1.5)[30]
    assert knit[squint] > 0 > knit[outer]
    assert pleased[squint] == 0 == pleased[outer]


@given(share=st.floats(-0.9, 1.5))
def test_between_blinks_nobody_droops_and_open_eyes_stay(share: float) -> None:
    model = FaceModel.default()
    lid, beta = model.index("blink_l"), model.beta(blink_l=share, blink_r=0.1)[None]
    shown = awake(beta, model)[0, lid] / model.full[lid]
    assert shown <= AWAKE + 1e-6
    if abs(share) < 0.75 * AWAKE:
        assert shown == pytest.approx(share, abs=1e-6)
    assert shown * share >= 0


@pytest.mark.parametrize("seed", range(3))
def test_a_listener_looks_at_the_partner_four_fifths_of_the_time(seed: int) -> None:
    path = np.concatenate([eyes.path(1500, seed + 7919 * k) for k in range(6)])
    assert abs(eyes.on_partner(path).mean() - eyes.LISTENING.partner) < 0.09
    assert np.linalg.norm(np.rad2deg(path), axis=1).max() <= eyes.AVERTED[1] + 1e-3


def test_eyes_rest_and_jump_as_the_listeners_of_video_calls() -> None:
    """Means of 17,717 fixations while listening and 15,209 while speaking."""

    def resting(how: eyes.Looking) -> float:
        still = np.abs(np.diff(eyes.path(10_000, 3, how), axis=0)).max(1) < 1e-6
        ends = np.flatnonzero(~still)
        lengths = np.diff(ends) - 1
        return float(np.mean(lengths[lengths > 0] + 2) / 25)

    assert resting(eyes.LISTENING) == pytest.approx(0.262, abs=0.05)
    assert resting(eyes.SPEAKING) < resting(eyes.LISTENING)


def test_eyes_turn_in_the_picture_and_shoulders_breathe(portrait: Portrait) -> None:
    renderer = WarpRenderer(portrait, 128)
    zero = np.zeros(100), np.zeros(6)
    *_, left = renderer.vertices(*zero, looks=np.float32([-0.1, 0]))
    *_, down = renderer.vertices(*zero, looks=np.float32([0, 0.1]))
    assert left[0] < 0 == left[1] and down[1] > 0 == down[0]
    moved, *_ = renderer.vertices(*zero, sway=np.float32([0, -0.3, 0]))
    step, weight = moved - renderer.rig.rest, renderer.rig.weight
    assert np.abs(step[weight == 1]).max() < 1e-3 and step[weight == 0, 1].max() < -0.5


def test_who_looks_aside_is_turned_to_the_viewer(portrait: Portrait) -> None:
    aside = Portrait(**{**vars(portrait), "rotation": np.float32([0, 0.4, 0])})
    still = Motion(beta=np.zeros((30, 100)), pose=np.zeros((30, 6)), blink=np.zeros(30))
    manner = Manner(attend=True, gaze=False)
    assert -0.4 < manner.motion(still, aside).pose[-1, 1] < -0.1
    assert np.allclose(manner.looks(30, portrait)[-1], -own_gaze(portrait), atol=1e-6)


def test_looks_at_the_partner_last_as_long_as_is_said() -> None:
    """The median, of some six hundred; the first frame of a step is between two places."""
    gaze = eyes.path(25 * 1500, 3)
    lengths = [last - first for first, last in runs(eyes.on_partner(gaze))]
    lasting = np.median([n for n in lengths if n > 2]) / 25
    assert lasting == pytest.approx(1.7, rel=0.2)  # seconds, as `Looking` says


def test_a_renderer_without_eyes_shows_the_motion(
    portrait: Portrait, monkeypatch: pytest.MonkeyPatch
) -> None:
    from elp.render import RENDERERS

    class Plain:
        def __init__(self, portrait: Portrait, size: int, checkpoint: object) -> None:
            self.size = size

        def frames(self, motion: Motion):
            return (np.full((self.size,) * 2 + (3,), k, np.uint8) for k in range(len(motion)))

    monkeypatch.setitem(RENDERERS, "plain", Plain)
    asked = smiling(3, portrait)
    shown = list(render(portrait, asked, 64, mark=False, renderer="plain", manner=Manner()))
    assert [frame[0, 0, 0] for frame in shown] == [0, 1, 2]


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(ElpError, match="relax 2"):
        Manner(relax=2)
    with pytest.raises(ElpError, match="ease -1"):
        Manner(ease=-1)
    with pytest.raises(ElpError, match="vivid 4"):
        Manner(vivid=4)


@pytest.mark.parametrize("options", [{"ease": 0}, {"ease": 10}, {"breath": 0}, {"breath": 1}])
def test_the_ends_of_a_range_belong_to_it(options: dict[str, float]) -> None:
    assert Manner(**options)
