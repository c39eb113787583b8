"""extract: from files of every kind to clips; faces, gaps, sound, errors."""

from __future__ import annotations

import warnings
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data

from benchmarks.extract import jitter, missing_or_repeated
from elp.errors import ElpError
from elp.extraction.apart import track_apart
from elp.extraction.fit import FaceFit
from elp.extraction.pipeline import _motion, extract
from elp.extraction.pointfile import PointFile
from elp.extraction.tracking import ahead, track
from elp.face import FaceModel
from elp.files import temporary
from elp.media.audio import RATE
from elp.media.track import landmarks
from elp.media.video import frames
from elp.media.write import write_video
from elp.motion import PROSODY, SILENT, Clip
from tests.media.files import make

FACE = skimage.data.astronaut()[0:240, 100:340]  # NASA, public domain
GREY = np.full((256, 256, 3), 128, np.uint8)


def shifted(by: float, size: int = 256) -> np.ndarray:
    """The astronaut's face, moved sideways by some pixels."""
    matrix = np.array([[size / 240, 0, by], [0, size / 240, 0]])
    return cv2.warpAffine(FACE, matrix, (size, size), borderMode=cv2.BORDER_REPLICATE)


def quiet_extract(path: Path, **options: str) -> Clip:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return extract(path, **options)


def test_a_clip_of_a_face(tmp_path: Path) -> None:
    path = tmp_path / "face.mp4"
    tone = 0.3 * np.sin(np.arange(RATE) * 0.3).astype(np.float32)
    write_video(path, [shifted(k) for k in range(20)], audio=(tone[: int(0.8 * RATE)], RATE))
    clip = extract(path)
    assert (
        len(clip) == 20
        and clip.motion.valid.all()
        and clip.size == (256, 256)
        and clip.source == "face.mp4"
    )
    assert (
        clip.motion.beta.shape == (20, 100)
        and clip.mfcc.shape == (20, 29)
        and np.abs(clip.mfcc).max() > 1
    )
    assert clip.prosody.shape == (20, 8) and np.isfinite(clip.prosody).all()
    assert clip.prosody[2:-2, PROSODY.index("strength")].min() > 0.5  # a tone repeats itself
    # relative to the median position
    assert np.abs(np.median(clip.motion.pose[:, 3:], axis=0)).max() < 0.05
    assert clip.motion.pose[-1, 3] - clip.motion.pose[0, 3] > 1  # moved to the right, in cm
    smile = (
        clip.motion.beta[:, FaceModel.default().index("smile_l")]
        / FaceModel.default().full[FaceModel.default().index("smile_l")]
    )
    assert smile.mean() > 0.4  # she smiles
    assert clip.rms.max() < 3
    clip.save(tmp_path / "clip.npz")
    np.testing.assert_array_equal(Clip.load(tmp_path / "clip.npz").motion.beta, clip.motion.beta)


def test_what_was_not_seen_at_an_end_is_filled_and_not_valid() -> None:
    unseen = np.zeros(40, bool)
    unseen[:3] = unseen[20:23] = unseen[-3:] = True
    numbers = np.where(unseen[:, None], np.nan, np.ones(6)).astype(np.float32)
    found = FaceFit(
        alpha=np.zeros(1, np.float32),
        beta=numbers,
        pose=numbers,
        focal=500.0,
        origin=np.zeros(3, np.float32),
        rms=np.zeros(40, np.float32),
        noise=1.0,
        history={},
    )
    motion = _motion(found, np.zeros(40, np.uint8))
    assert motion.valid[3:-3].all() and not motion.valid[:3].any() and not motion.valid[-3:].any()
    assert (motion.beta == 1).all() and (motion.pose == 1).all()


def test_short_gaps_are_filled_and_long_ones_marked(tmp_path: Path) -> None:
    path = tmp_path / "gap.mp4"
    write_video(
        path, [shifted(0)] * 10 + [GREY] * 5 + [shifted(0)] * 6 + [GREY] * 20 + [shifted(0)] * 6
    )
    clip = quiet_extract(path)
    valid = clip.motion.valid
    assert valid[:21].all() and not valid[23:40].any() and valid[-4:].all()
    assert np.isfinite(clip.motion.beta).all() and np.isfinite(clip.motion.pose).all()


def test_which_of_two_faces(tmp_path: Path) -> None:
    path = tmp_path / "two.mp4"
    small = np.full((256, 512, 3), 128, np.uint8)
    small[60:240, 10:190] = cv2.resize(FACE, (180, 180))
    small[:, 256:] = shifted(0)[:, ::-1]
    write_video(path, [small] * 4)
    place = {}
    for face in ("largest", "left", "right"):
        place[face] = quiet_extract(path, face=face).origin
    assert place["left"][0] < 0 < place["right"][0]
    assert place["largest"][0] > 0 and abs(place["largest"][2] - place["right"][2]) < 1
    with pytest.raises(ElpError, match="choose one of largest, left, right"):
        extract(path, face="middle")


def test_one_person_throughout(tmp_path: Path) -> None:
    """The left one comes late: before, nobody is seen rather than the other; `right` is seen
    throughout.
    """
    path = tmp_path / "late.mp4"
    here, there = np.full((2, 200, 440, 3), 120, np.uint8)
    here[:, 220:420] = cv2.resize(
        np.uint8(255 * (FACE[:, ::-1] / 255) ** [1, 1.4, 1.8]), (200, 200)
    )
    there[:] = here
    there[:, 10:210] = cv2.resize(FACE, (200, 200))
    write_video(path, [here] * 20 + [there] * 30)
    valid = {}
    for face in ("left", "right"):
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            clip = extract(path, face=face)
        valid[face] = clip.motion.valid.tolist()
        assert (clip.origin[0] < 0) == (face == "left")
        assert any("60% of the frames" in str(w.message) for w in said) == (face == "left")
    assert valid == {"left": [False] * 20 + [True] * 30, "right": [True] * 50}


def test_hidden_eyes_have_no_blinks(tmp_path: Path) -> None:
    """A dark bar before the eyes: the face is seen, its blinks are not known, and that is told."""
    path = tmp_path / "bar.mp4"
    covered = shifted(0).copy()
    low, high = landmarks([covered], still=True)[0][[70, 346], :2].astype(int).tolist()
    cv2.rectangle(covered, low, high, (20, 20, 22), -1)
    write_video(path, [covered] * 6)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        clip = extract(path)
    assert clip.motion.valid.all() and not clip.motion.blink.any()
    assert np.isnan(clip.ear).all() and clip.eyes_hidden() == 1
    assert any("eyes are hidden in 100%" in str(w.message) for w in said)
    assert clip.confidence.shape == (6,) and (clip.confidence > 0).all()
    assert np.array_equal(clip[:2].confidence, clip.confidence[:2])


def test_nobody_is_surely_seen_in_a_picture_that_is_held(tmp_path: Path) -> None:
    times = [Fraction(k, 25) for k in range(5)] + [2 + Fraction(k, 25) for k in range(5)]
    path = make(tmp_path / "frozen.mkv", [shifted(0)] * 10, times=times)
    clip = quiet_extract(path)
    assert not clip.motion.valid[10:45].any() and clip.motion.valid[:5].all()
    assert (clip.confidence[10:45] == 0).all() and (clip.confidence[:5] > 0.5).all()
    assert clip.eyes_hidden() == 0


def test_another_process_finds_the_same_points(tmp_path: Path) -> None:
    path, ticks = tmp_path / "nods.mp4", []
    write_video(path, [shifted(0)] * 3 + [shifted(4)] * 3)
    with temporary() as store, temporary() as other:
        here = track(path, "largest", store)
        apart = track_apart(path, "largest", other, ticks.append, list)
        np.testing.assert_array_equal(here[:], apart[:])
        np.testing.assert_array_equal(here.sight, apart.sight)
        assert here.seen == apart.seen == list(range(6))
    assert sum(ticks) == 6


def test_silent_video_says_so_once(tmp_path: Path) -> None:
    path = tmp_path / "mute.mp4"
    write_video(path, [shifted(0)])
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        clip = extract(path)
    assert len(clip) == 1 and not clip.mfcc.any() and clip.motion.valid.all()
    assert np.array_equal(clip.prosody, np.float32([SILENT]))
    assert sum("no sound" in str(w.message) for w in said) == 1


def test_grey_and_large_pictures(tmp_path: Path) -> None:
    path = tmp_path / "large.mp4"
    grey = cv2.cvtColor(
        cv2.cvtColor(cv2.resize(FACE, (2160, 2160)), cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB
    )
    wide = np.full((2160, 3840, 3), 100, np.uint8)
    wide[:, 800:2960] = grey
    write_video(path, [wide] * 2)
    clip = quiet_extract(path)
    assert clip.size == (3840, 2160) and clip.motion.valid.all()
    assert clip.rms.max() < 30  # pixels of the full-sized picture


def test_no_face_and_unreadable_files(tmp_path: Path) -> None:
    path = tmp_path / "empty.mp4"
    write_video(path, [GREY] * 3)
    with pytest.raises(ElpError, match="no face found"):
        extract(path)
    with pytest.raises(ElpError, match="no such file"):
        extract(tmp_path / "none.mp4")
    (tmp_path / "junk.mp4").write_bytes(bytes(1000))
    with pytest.raises(ElpError, match="not a readable video"):
        extract(tmp_path / "junk.mp4")


def test_points_in_a_file_are_the_points(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(9, 478, 3)).astype(np.float32)
    points[4] = np.nan
    with (tmp_path / "points").open("w+b") as file:
        store = PointFile(file)
        for frame in points:
            store.append(frame)
        np.testing.assert_array_equal(store[2:7], points[2:7])
        np.testing.assert_array_equal(store[np.array([0, 5, 6, 8])], points[[0, 5, 6, 8]])
        assert (
            len(store[20:30]) == 0
            and store.seen == [0, 1, 2, 3, 5, 6, 7, 8]
            and store.shape == (9, 478, 3)
        )


@pytest.mark.parametrize("fps", [25, 30])
def test_points_of_another_rate_are_those_between_its_pictures(tmp_path: Path, fps: int) -> None:
    path = tmp_path / "face.mp4"
    # 60 pixels to the right in one second
    write_video(path, [shifted(60 * k / fps) for k in range(fps)], fps=fps)
    with (tmp_path / "points").open("w+b") as file:
        points = track(path, "largest", file)[:]
    nearest = landmarks(frames(path))
    assert points.shape == nearest.shape == (25, 478, 3)
    if fps == 25:
        np.testing.assert_array_equal(points, nearest)
    else:
        # without the held last picture
        jerks = [np.diff(p[:24, :, 0].mean(1), 2).std() for p in (points, nearest)]
        assert jerks[0] < 0.5 * jerks[1]


def test_a_thread_ahead_keeps_order_and_errors() -> None:
    assert list(ahead(range(100), 3)) == list(range(100))

    def broken():
        yield 1
        raise ElpError("broken")

    with pytest.raises(ElpError, match="broken"):
        list(ahead(broken()))
    started = ahead(iter(range(10**9)))
    assert next(started) == 0
    started.close()  # stops the thread


@pytest.mark.parametrize("seed", range(5))
def test_pictures_missing_or_shown_twice_are_told_from_movement(seed: int) -> None:
    rng = np.random.default_rng(seed)
    turns = np.cumsum(
        np.exp(0.15 * np.cumsum(rng.normal(size=300)) % 3) * rng.uniform(0.8, 1.2, 300)
    )  # a head that moves slowly, then faster
    change = lambda keep: np.abs(np.diff(turns[keep]))  # noqa: E731
    every = np.arange(300)
    assert missing_or_repeated(change(every)) == 0
    # 30 a second to 25
    assert missing_or_repeated(change(every[every % 6 != 3])) == pytest.approx(1 / 6, abs=1e-3)
    assert missing_or_repeated(
        change(np.sort(np.concatenate([every, every[::5]])))
    ) == pytest.approx(1 / 6, abs=1e-3)  # 25 a second to 30
    assert missing_or_repeated(change(np.repeat(every, 2))) == pytest.approx(1 / 2)


def test_jitter_that_both_measurements_share() -> None:
    rng = np.random.default_rng(0)
    movement, errors = rng.normal(size=(100, 3)), 0.5 * rng.normal(size=(2, 100, 3))
    poses = [
        np.concatenate([np.radians(movement + error), np.zeros((100, 3))], 1) for error in errors
    ]
    found = jitter(*poses)
    assert (
        found["shared_jitter_deg"] < found["jitter_deg"]
        and jitter(poses[0], poses[0])["shared_jitter_deg"] == found["jitter_deg"]
    )
    assert jitter(poses[0], -poses[0])["shared_jitter_deg"] == 0
    # a parabola
    assert jitter(np.cumsum(np.cumsum(np.ones((50, 6)), 0), 0), poses[0])["jitter_deg"] < 1e-6


@pytest.mark.shared_data
def test_happy_and_sad_portraits(shared_data: Path) -> None:
    from elp.extraction.fit import fit

    model = FaceModel.default()
    smile, frown = {}, {}
    for mood in ("happy", "sad"):
        image = cv2.cvtColor(
            cv2.imread(str(shared_data / "portraits" / f"st_{mood}.png")), cv2.COLOR_BGR2RGB
        )
        found = fit(landmarks([image], still=True), image.shape[1::-1], model)
        level = found.beta[0, : len(model.names)] / model.full
        smile[mood] = (level[model.index("smile_l")] + level[model.index("smile_r")]) / 2
        frown[mood] = (level[model.index("frown_l")] + level[model.index("frown_r")]) / 2
    assert smile["happy"] > 0.2 > -0.1 > smile["sad"] and frown["sad"] > frown["happy"] + 0.3


@pytest.mark.shared_data
@pytest.mark.slow
def test_a_real_speaker(real_speaker: Clip) -> None:
    clip = real_speaker
    assert len(clip) == 200 and clip.motion.valid.all() and 2 <= clip.motion.blink.sum() <= 30
    assert clip.mfcc.shape == (200, 29) and np.sqrt((clip.rms**2).mean()) < 0.02 * 155
