"""The main job on real speakers and real portraits: what `elp respond` promises, checked on the
file that it wrote.
"""

import av
import numpy as np
import pytest

import elp
from elp.errors import ElpError
from elp.face.model import FaceModel
from elp.motion import Clip
from tests.test_cli import elp as command
from tests.test_cli import here, refused

pytestmark = [pytest.mark.shared_data, pytest.mark.slow]


@pytest.fixture(scope="session")
def speaker(real_speaker, tmp_path_factory):
    """One real speaker's file."""
    path = tmp_path_factory.mktemp("speaker") / "speaker.npz"
    real_speaker.save(path)
    return path


def probe(path):
    with av.open(str(path)) as file:
        video = file.streams.video[0]
        frames = np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(video)])
        sound = [float(s.duration * s.time_base) for s in file.streams.audio]
        return (
            frames,
            video.codec_context.name,
            float(video.average_rate),
            sound,
            dict(file.metadata),
        )


def test_a_video_is_answered_by_a_video(shared_data, tmp_path):
    # portrait format, 30 fps, silent
    clip, face = shared_data / "talking_videos/lp_s29.mp4", shared_data / "portraits/lp_s9.jpg"
    done = command(
        "respond",
        clip,
        "--portrait",
        face,
        "-o",
        tmp_path / "out.mp4",
        "--params",
        tmp_path / "out.npz",
        "--side-by-side",
        "--size",
        "256",
    )
    assert done.returncode == 0, done.stderr
    frames, codec, fps, sound, metadata = probe(tmp_path / "out.mp4")
    assert frames.shape[1:] == (256, 512, 3) and codec == "h264" and fps == 25
    assert abs(len(frames) - 5.33 * 25) <= 1 and len(elp.Motion.load(tmp_path / "out.npz")) == len(
        frames
    )
    assert len(sound) == 1 and abs(sound[0] - len(frames) / 25) < 0.1
    assert "synthetic" in metadata["comment"].lower()
    speaker, listener = frames[:, :, :256].astype(float), frames[:, :, 256:].astype(float)
    # both move, and they are two people
    assert listener.std(0).max() > 5 and abs(speaker - listener).mean() > 20


def test_the_asked_emotion_is_seen(speaker):
    model = FaceModel.default()
    smile, frown = (
        [model.index(name + side) for side in ("_l", "_r")] for name in ("smile", "frown")
    )
    mean = {}
    for emotion in ("negative", "neutral", "positive"):
        betas = np.concatenate(
            [elp.respond(speaker, emotion=emotion, seed=seed).beta for seed in range(3)]
        )
        mean[emotion] = (
            betas[:, smile].mean() / model.full[smile].mean(),
            betas[:, frown].mean() / model.full[frown].mean(),
        )
    assert mean["positive"][0] > mean["neutral"][0] + 0.1 > mean["negative"][0] + 0.1
    assert mean["negative"][1] > mean["neutral"][1] + 0.05


def test_seed_decides_and_mixtures_lie_between(speaker):
    smile = FaceModel.default().index("smile_l")
    again = [elp.respond(speaker, emotion="positive", seed=seed).beta for seed in (1, 1, 2)]
    assert np.array_equal(again[0], again[1]) and not np.array_equal(again[0], again[2])
    parts = [
        elp.respond(speaker, emotion=e, seed=1).beta[:, smile].mean()
        for e in ((0, 1, 0), (0, 0.5, 0.5), (0, 0, 1))
    ]
    assert parts[0] < parts[1] < parts[2]


def test_a_listener_blinks_like_people_do(speaker):
    blink = np.concatenate([elp.respond(speaker, seed=seed).blink for seed in range(6)])
    runs = int((np.diff(np.r_[0, blink]) == 1).sum())
    per_minute = runs / (len(blink) / 25 / 60)
    # Bentivoglio et al. 1997: 4.5 reading, 17 at rest, 26 in conversation
    assert 4 <= per_minute <= 50, per_minute


def test_clips_are_refused_where_pictures_are_needed(speaker, shared_data, tmp_path):
    face = shared_data / "portraits/lp_s9.jpg"
    refused(
        here("respond", speaker, "--portrait", face, "-o", tmp_path / "o.mp4", "--side-by-side"),
        "give the video",
    )
    (tmp_path / "torn.jpg").write_bytes(face.read_bytes()[:2000])
    refused(
        here("respond", speaker, "--portrait", tmp_path / "torn.jpg", "-o", tmp_path / "o.mp4"),
        "torn.jpg",
    )
    with pytest.raises(ElpError, match="one picture"), pytest.warns(UserWarning, match="no sound"):
        elp.respond(face, params=tmp_path / "o.npz")
    assert not (tmp_path / "o.npz").exists()
    with pytest.raises(ElpError, match="negative, neutral, positive"):
        elp.respond(speaker, emotion="furious")
    assert not (tmp_path / "o.mp4").exists()


def test_a_measured_clip_has_what_was_promised(speaker):
    clip = Clip.load(speaker)
    assert len(clip) == 200 and clip.motion.beta.shape == (200, 100) and clip.motion.valid.all()
    assert clip.mfcc.shape == (200, 29) and np.abs(clip.mfcc).max() > 0
