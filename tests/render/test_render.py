"""The renderer: the portrait itself at rest, a head that turns, lids that close, a background that
stays.
"""

from __future__ import annotations

import struct
from contextlib import nullcontext
from zlib import crc32

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow
from skimage import data

from elp.errors import ElpError
from elp.face.model import FaceModel
from elp.media.track import landmarks
from elp.motion import Motion
from elp.render import RENDERERS, Portrait, WarpRenderer, render, side_by_side
from elp.render.eyes import WINK, outline, together
from elp.render.limits import (
    LINEAR,
    SPARE,
    Limits,
    expression_limits,
    measures,
    pose_limits,
    ranges,
    saturate,
)
from elp.render.mark import stamp
from elp.render.matte import inpaint_background
from elp.render.picture import read

PAINTINGS = ["lp_s3.jpg", "lp_s9.jpg", "lp_s10.jpg"]
STILL = np.zeros(6, np.float32)


@pytest.fixture(scope="module")
def model() -> FaceModel:
    return FaceModel.default()


@pytest.fixture(scope="module")
def portrait() -> Portrait:
    return Portrait.load(data.astronaut())


@pytest.fixture(scope="module")
def renderer(portrait: Portrait) -> WarpRenderer:
    return WarpRenderer(portrait)


def face(model: FaceModel, **share: float) -> np.ndarray:
    """β with the named directions at a share of full activation; a name without side means both."""
    beta = np.zeros(len(model.expression), np.float32)
    for name, value in share.items():
        for each in [name] if name in model.names else [name + "_l", name + "_r"]:
            beta[model.index(each)] = value * model.full[model.index(each)]
    return beta


def pose(pitch: float = 0, yaw: float = 0, roll: float = 0) -> np.ndarray:
    return np.array([*np.deg2rad([pitch, yaw, roll]), 0, 0, 0], np.float32)


def moving(frames: int, model: FaceModel, seed: int = 0) -> Motion:
    rng = np.random.default_rng(seed)
    beta = rng.normal(size=(frames, len(model.expression))) * 0.3 * model.deviation
    return Motion(
        beta=beta, pose=0.1 * rng.normal(size=(frames, 6)), blink=rng.integers(0, 2, frames)
    )


def as_picture(portrait: Portrait, size: int = 256) -> np.ndarray:
    double = cv2.resize(portrait.image, (2 * size, 2 * size), interpolation=cv2.INTER_AREA)
    return cv2.resize(double, (size, size), interpolation=cv2.INTER_AREA)


def largest_error(a: np.ndarray, b: np.ndarray) -> int:
    return int(np.abs(a.astype(int) - b.astype(int)).max())


def test_at_rest_the_portrait_is_reproduced(
    portrait: Portrait, renderer: WarpRenderer, model: FaceModel
) -> None:
    assert largest_error(renderer.frame(face(model), STILL), as_picture(portrait)) <= 1


@pytest.mark.shared_data
@pytest.mark.parametrize("name", PAINTINGS)
def test_a_painting_is_reproduced_and_closes_its_eyes(
    shared_data, name: str, model: FaceModel
) -> None:
    turned = name == "lp_s10.jpg"
    with pytest.warns(UserWarning, match="degrees aside") if turned else nullcontext():
        portrait = Portrait.load(shared_data / "portraits" / name)
    renderer = WarpRenderer(portrait)
    # resized from the painting's own size
    assert largest_error(renderer.frame(face(model), STILL), as_picture(portrait)) <= 2
    for head in (pose(), pose(12), pose(-12), pose(0, 12), pose(0, -12), pose(0, 0, 12)):
        shut, _, _, closure, _ = renderer.vertices(face(model, blink=1), head)
        open_, *_ = renderer.vertices(face(model), head)
        assert closure == [1, 1]
        for eye in "rl":
            assert area(shut[outline(eye)]) < 0.02 * area(open_[outline(eye)])


def area(polygon: np.ndarray) -> float:
    return cv2.contourArea(polygon.astype(np.float32))


def test_a_still_motion_gives_identical_frames(portrait: Portrait, model: FaceModel) -> None:
    one = moving(1, model)
    held = Motion(beta=np.repeat(one.beta, 4, 0), pose=np.repeat(one.pose, 4, 0), blink=np.zeros(4))
    frames = list(render(portrait, held))
    assert all(np.array_equal(frames[0], frame) for frame in frames)


def test_frames_have_the_promised_form_and_end_with_the_motion(
    portrait: Portrait, model: FaceModel
) -> None:
    for size in (256, 128):
        frames = render(portrait, moving(3, model), size)
        assert iter(frames) is frames  # one at a time
        shapes = [(frame.shape, frame.dtype) for frame in frames]
        assert shapes == [((size, size, 3), np.uint8)] * 3


def test_a_tracker_sees_the_motion_that_was_asked_for(
    renderer: WarpRenderer, model: FaceModel
) -> None:
    asked = {
        "rest": (face(model), pose()),
        "down": (face(model), pose(12)),
        "up": (face(model), pose(-12)),
        "left": (face(model), pose(0, 12)),
        "right": (face(model), pose(0, -12)),
        "tilt": (face(model), pose(0, 0, 12)),
        "jaw": (face(model, jaw_open=0.5), pose()),
        "blink": (face(model, blink=1), pose()),
        "half": (face(model, blink=0.5), pose()),
        "brows": (face(model, brow_inner_up=1, brow_outer_up=1), pose()),
        "frown": (face(model, frown=1, smile=-0.6), pose()),
    }
    pictures = [
        cv2.resize(renderer.frame(*one), (512, 512), interpolation=cv2.INTER_CUBIC)
        for one in asked.values()
    ]
    seen = dict(zip(asked, landmarks(pictures, still=True)[..., :2], strict=True))
    nose = {name: p[1] - (p[33] + p[263]) / 2 for name, p in seen.items()}
    assert nose["down"][1] > nose["rest"][1] + 3 > nose["up"][1] + 6  # positive pitch looks down
    # positive yaw turns to the left of the picture
    assert nose["left"][0] < nose["rest"][0] - 3 < nose["right"][0] - 6
    lean = {name: np.degrees(np.arctan2(*(p[263] - p[33])[::-1])) for name, p in seen.items()}
    assert 8 < lean["tilt"] - lean["rest"] < 13
    gap = {name: np.linalg.norm(p[13] - p[14]) for name, p in seen.items()}
    assert gap["jaw"] > 1.3 * gap["rest"]
    ear = {
        name: np.linalg.norm(p[159] - p[145]) / np.linalg.norm(p[33] - p[133])
        for name, p in seen.items()
    }
    assert ear["rest"] > ear["half"] > ear["blink"] and ear["blink"] < 0.6 * ear["rest"]
    brow = {name: (p[159] + p[386] - p[105] - p[334])[1] / 2 for name, p in seen.items()}
    assert brow["brows"] > brow["rest"] + 2
    corners = {name: ((p[61] + p[291]) / 2 - p[0])[1] for name, p in seen.items()}
    assert corners["frown"] > corners["rest"] + 1  # mouth corners sink


@pytest.mark.shared_data
def test_a_smile_is_seen_on_a_sad_face(shared_data, model: FaceModel) -> None:
    renderer = WarpRenderer(Portrait.load(shared_data / "portraits" / "st_sad.png"))
    pictures = [
        cv2.resize(renderer.frame(face(model, smile=x), STILL), (512, 512)) for x in (0, 0.5, 1)
    ]
    wide = [np.linalg.norm(p[61] - p[291]) for p in landmarks(pictures, still=True)[..., :2]]
    assert wide[0] * 1.05 < wide[1] and wide[1] * 1.02 < wide[2]


def test_the_background_stays(portrait: Portrait, renderer: WarpRenderer, model: FaceModel) -> None:
    near = cv2.dilate((portrait.matte > 0).astype(np.uint8), np.ones((121, 121)))
    far = cv2.resize(near, (256, 256), interpolation=cv2.INTER_AREA) == 0
    assert far.mean() > 0.02
    still = renderer.frame(face(model), STILL)
    for turn in (pose(12), pose(-12), pose(0, 12), pose(0, -12), pose(0, 0, 12), pose(0, 0, -12)):
        assert largest_error(renderer.frame(face(model), turn)[far], still[far]) <= 1


@given(scale=st.sampled_from([0.1, 1.0, 10.0, 1e4]), seed=st.integers(0, 9))
def test_no_motion_tears_the_face(
    renderer: WarpRenderer, model: FaceModel, scale: float, seed: int
) -> None:
    """However wild the motion: vertices stay finite, the head stays in place, hardly a triangle of
    skin turns over.
    """
    rng = np.random.default_rng(seed)
    beta, turn = scale * rng.normal(size=len(model.expression)), scale * rng.normal(size=6)
    turn[3:] = np.clip(turn[3:], -2, 2)  # as far as a neck goes; beyond, everything moves
    moved, depth, _, _, _ = renderer.vertices(beta, turn)
    assert np.isfinite(moved).all() and depth.min() > 10
    step = np.linalg.norm(moved - renderer.rig.rest, axis=1)
    assert step.max() < 0.45 * 512
    a, b, c = (moved[renderer.rig.triangles[60:, k]] for k in range(3))
    turned = ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) < 0
    assert turned.mean() < 0.12
    assert renderer.frame(beta, turn).std() > 20


@given(
    x=st.floats(-1e6, 1e6),
    y=st.floats(-1e6, 1e6),
    low=st.floats(-100, -1e-3),
    high=st.floats(1e-3, 100),
)
def test_saturation_is_increasing_bounded_and_the_identity_for_small_motion(
    x: float, y: float, low: float, high: float
) -> None:
    values = saturate(np.array([x, y]), low, high)
    assert (values >= low * (1 + 1e-9)).all() and (values <= high * (1 + 1e-9)).all()
    if x <= y:
        assert values[0] <= values[1]
    for value, bent in zip((x, y), values, strict=True):
        if LINEAR * low <= value <= LINEAR * high:
            assert bent == pytest.approx(value)


@given(scale=st.sampled_from([0.3, 1.0, 3.0]), seed=st.integers(0, 9))
def test_lips_and_brows_stay_within_what_faces_measure(
    model: FaceModel, scale: float, seed: int
) -> None:
    """Whatever is asked for, and whatever the portrait shows already."""
    rng = np.random.default_rng(seed)
    own, asked = (
        x * rng.normal(size=len(model.expression)) * model.deviation for x in (0.5, scale)
    )
    face_ = model.shape(beta=own)[model.landmarks]
    limits = Limits.of(np.zeros(3), face_, model)
    shown, *_ = limits(asked, np.zeros(6))
    low, high = ranges()
    room = SPARE * (high - low)
    own_measures = measures(face_)
    now = own_measures + limits.gain @ shown
    assert (now <= np.maximum(high, own_measures + room) + 1e-6).all()
    assert (now >= np.minimum(low, own_measures - room) - 1e-6).all()


def test_a_smooth_mode_may_go_several_deviations_far(model: FaceModel) -> None:
    low, high = expression_limits(model)
    share = high / model.deviation
    assert (low == -high).all() and share.min() > 3 and share[len(model.full) :].max() < 10


def test_a_real_smile_passes_and_a_torn_mouth_does_not(model: FaceModel) -> None:
    """1.8 times the named direction is the widest smile of real clips; nobody's is twice that."""
    limits = Limits.of(np.zeros(3), model.mean[model.landmarks], model)
    width = [
        (limits.gain @ limits(face(model, smile=x), np.zeros(6))[0])[0] for x in (1.0, 1.8, 3.6)
    ]
    asked = (limits.gain @ face(model, smile=1.0))[0]
    assert width[0] == pytest.approx(asked, rel=0.02) and width[1] > 1.6 * asked
    assert width[2] < 0.78 - measures(model.mean[model.landmarks])[0]


@given(right=st.floats(-1, 2), left=st.floats(-1, 2))
def test_lids_go_together_unless_one_winks(right: float, left: float) -> None:
    r, l = together(right, left)  # noqa: E741
    assert min(r, l) >= -0.25 and max(r, l) <= 1
    if abs(right - left) <= WINK:
        assert r == l
    assert together(1.0, 0.0) == [1.0, 0.0]  # a wink is a wink


def test_far_travel_takes_the_shoulders_along(renderer: WarpRenderer, model: FaceModel) -> None:
    """A head cannot leave its neck: beyond some centimetres the person moves as a whole."""
    near, far = (
        renderer.vertices(face(model), np.array([0, 0, 0, x, 0, 0]))[0] - renderer.rig.rest
        for x in (1.0, 10.0)
    )
    outer = renderer.rig.weight == 0
    assert np.abs(near[outer]).max() == 0 and far[outer, 0].min() > 20
    nose = 10.0 * renderer._focal / renderer.portrait.origin[2]
    assert far[1, 0] == pytest.approx(nose, rel=0.2)


def test_a_head_that_looks_aside_turns_less() -> None:
    low, high = pose_limits(np.array([0.0, np.deg2rad(30), 0.0]))
    front = pose_limits(np.zeros(3))
    assert 0 < high[1] < 0.3 * front[1][1] and front[0][1] < low[1] < -0.5 * front[1][1]


def test_frames_that_are_not_valid_repeat_the_last_one(
    portrait: Portrait, model: FaceModel
) -> None:
    motion = moving(4, model)
    beta = motion.beta.copy()
    beta[[0, 2]] = np.nan
    holes = Motion(
        beta=beta, pose=motion.pose, blink=np.zeros(4), valid=np.array([0, 1, 0, 1], bool)
    )
    frames = list(render(portrait, holes, mark=False))
    assert largest_error(frames[0], as_picture(portrait)) <= 1
    assert np.array_equal(frames[1], frames[2]) and not np.array_equal(frames[2], frames[3])


def test_the_mark_is_legible_small_and_on_by_default(portrait: Portrait, model: FaceModel) -> None:
    still = Motion(
        beta=np.zeros((1, len(model.expression))), pose=np.zeros((1, 6)), blink=np.zeros(1)
    )
    marked, plain = next(render(portrait, still)), next(render(portrait, still, mark=False))
    changed = (marked != plain).any(2)
    ys, xs = np.nonzero(changed)
    assert ys.min() > 235 and xs.max() < 80 and 0.001 < changed.mean() < 0.02
    for grey in (0, 128, 255):
        canvas = stamp(np.full((256, 256, 3), grey, np.uint8)).astype(int)
        assert np.ptp(canvas) > 60


def test_side_by_side_scales_and_crops_the_speaker() -> None:
    listener = [np.full((256, 256, 3), i, np.uint8) for i in range(4)]
    wide = np.zeros((720, 1280, 3), np.uint8)
    wide[:, 280:1000] = 200
    tall = np.full((900, 500, 3), 90, np.uint8)
    frames = list(side_by_side([wide, tall], listener))
    assert [frame.shape for frame in frames] == [(256, 512, 3)] * 4
    assert (
        (frames[0][:, 4:252] == 200).all()
        and (frames[3][:, :256] == 90).all()
        and (frames[3][:, 256:] == 3).all()
    )


def test_the_background_is_continued_not_invented() -> None:
    picture = np.tile(np.linspace(0, 200, 128, dtype=np.float32)[:, None, None], (1, 128, 3))
    hidden = np.zeros((128, 128), np.float32)
    hidden[40:90, 50:80] = 1
    filled = inpaint_background(picture, hidden)
    assert np.array_equal(filled[hidden == 0], picture[hidden == 0])
    assert filled.min() >= 0 and filled.max() <= 200 and np.abs(filled - picture).mean() < 5


def test_one_of_two_faces_is_chosen() -> None:
    one = data.astronaut()[:300, 80:380]
    two = np.hstack([cv2.resize(one, (200, 200)), np.full((200, 40, 3), 255, np.uint8)])
    two = np.hstack([np.pad(two, ((0, 100), (0, 0), (0, 0)), mode="edge"), one[:, ::-1]])
    size = {
        face: np.ptp(Portrait.load(two, face=face).points, axis=0)
        for face in ("largest", "left", "right")
    }
    assert np.allclose(size["largest"], size["right"], atol=1) and not np.allclose(
        size["left"], size["right"], atol=1
    )


def test_a_face_at_the_edge_of_the_picture_and_odd_files_load(tmp_path, portrait: Portrait) -> None:
    close = Portrait.load(np.ascontiguousarray(data.astronaut()[60:190, 170:280]))
    assert close.image.shape[0] == close.image.shape[1]
    wide = np.full((700, 1300, 3), 150, np.uint8)
    wide[200:456, 900:1156] = cv2.resize(data.astronaut(), (256, 256), interpolation=cv2.INTER_AREA)
    with pytest.warns(UserWarning, match="54 pixels high"):  # in a large picture
        assert Portrait.load(wide).image.shape == (512, 512, 3)
    grey, clear = tmp_path / "grey.png", tmp_path / "clear.png"
    cv2.imwrite(str(grey), cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY))
    cv2.imwrite(str(clear), np.dstack([np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.uint8)]))
    assert read(grey)[0].shape == (512, 512, 3)
    assert (read(clear)[0] == 255).all()  # transparent is white
    deep = np.zeros((8, 8, 4), np.uint16)
    deep[:4, :, 1:] = 65535
    cv2.imwrite(str(clear), deep)
    assert (read(clear)[0][0, 0] == [255, 255, 0]).all() and (read(clear)[0][7] == 255).all()
    turned, exif = Pillow.fromarray((deep >> 8).astype(np.uint8)), Pillow.Exif()
    exif[0x0112] = 3  # upside down
    turned.save(clear, exif=exif)
    assert (read(clear)[0][0] == 255).all() and read(clear)[0][7, 0, 0] == 0


@pytest.mark.parametrize("kind", ["png", "webp", "avif", "tif"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("tag", range(1, 9))
def test_a_picture_is_shown_as_it_was_held(tmp_path, kind: str, mode: str, tag: int) -> None:
    """Every orientation of every kind of file, with transparency over white."""
    shown = np.zeros((24, 40, 3), np.uint8)
    shown[:12, :20, 0], shown[12:, :20, 1], shown[:, 20:, 2] = 255, 255, 255
    alpha = np.full((24, 40, 1), 255, np.uint8)
    alpha[:6, 30:] = 0  # in a corner
    stored = np.concatenate([shown, alpha], 2)[..., : len(mode)]
    # the inverse of TIFF 6.0's table
    stored = stored[:, ::-1] if tag in (2, 3, 6, 7) else stored
    stored = stored[::-1] if tag in (3, 4, 7, 8) else stored
    stored = stored.swapaxes(0, 1) if tag >= 5 else stored
    exif = Pillow.Exif()
    exif[0x0112] = tag
    path = tmp_path / f"held.{kind}"
    Pillow.fromarray(np.ascontiguousarray(stored), mode).save(
        path, exif=exif, **({} if kind in ("png", "tif") else {"quality": 100})
    )
    if kind == "tif" and mode == "RGBA" and tag > 4:
        with pytest.raises(ElpError, match="save it as PNG"):
            read(path)
        return
    found = read(path)[0].astype(int)
    want = np.where(alpha[..., :1] > 0, shown, 255) if mode == "RGBA" else shown
    assert found.shape == want.shape and np.abs(found - want).mean() < 8


@pytest.mark.parametrize("size", [(32000, 32000), (9000, 9000), (60000, 2), (2**31 - 1, 1)])
def test_a_picture_too_large_is_refused_by_its_header(tmp_path, size: tuple[int, int]) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc32(kind + data))

    path = tmp_path / "bomb.png"
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 6, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    with pytest.raises(ElpError, match="make it smaller"):
        read(path)


def test_bad_portraits_are_refused_in_one_sentence(tmp_path) -> None:
    broken, noise = (
        tmp_path / "broken.png",
        np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8),
    )
    broken.write_bytes(b"not a picture")
    small = cv2.resize(data.astronaut(), (120, 120), interpolation=cv2.INTER_AREA)
    for source, words in [
        (tmp_path / "none.png", "no such image"),
        (broken, "not a readable image"),
        (noise, "no face found"),
        (noise[..., 0], "uint8 RGB"),
        (noise.astype(float), "uint8 RGB"),
        (small, "face"),
    ]:
        with pytest.raises(ElpError, match=words):
            Portrait.load(source)
    with pytest.raises(ElpError, match="choose one of largest, left, right"):
        Portrait.load(noise, face="smallest")


def test_a_profile_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from elp.extraction import fit as fitting

    fit = fitting.fit

    def turned(*args, **kwargs):
        found = fit(*args, **kwargs)
        found.pose[0, 1] = np.deg2rad(-65)
        return found

    monkeypatch.setattr(fitting, "fit", turned)
    with pytest.raises(ElpError, match="looks 65 degrees aside"):
        Portrait.load(data.astronaut())


def test_motion_and_size_must_fit(portrait: Portrait) -> None:
    other = Motion(beta=np.zeros((2, 64)), pose=np.zeros((2, 6)), blink=np.zeros(2))
    with pytest.raises(ElpError, match="64 expression coefficients"):
        render(portrait, other)
    with pytest.raises(ElpError, match="size 7"):
        WarpRenderer(portrait, 7)


def test_a_new_renderer_is_one_entry(portrait: Portrait, monkeypatch: pytest.MonkeyPatch) -> None:
    motion = Motion(beta=np.zeros((3, 100)), pose=np.zeros((3, 6)), blink=np.zeros(3))

    class Still:
        def __init__(self, portrait: Portrait, size: int, checkpoint: object) -> None:
            self.picture = cv2.resize(portrait.image, (size, size))

        def frames(self, motion: Motion):
            return (self.picture for _ in range(len(motion)))

    monkeypatch.setitem(RENDERERS, "still", Still)
    shown = list(render(portrait, motion, 64, mark=False, renderer="still"))
    assert len(shown) == 3 and (shown[0] == cv2.resize(portrait.image, (64, 64))).all()
    with pytest.raises(ElpError, match="choose one of warp, flow, fomm, still"):
        render(portrait, motion, renderer="splats")
