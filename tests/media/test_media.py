"""Video, sound and tracking: 25 frames a second from anything, in step, and whole files or none."""

from __future__ import annotations

import itertools
import warnings
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from elp.errors import ElpError
from elp.media.audio import RATE, Mixer, blocks, mfcc, read_audio
from elp.media.track import VISIONS, landmarks, tracker, vision
from elp.media.video import Shown, between, frames, pictures, probe
from elp.media.write import write_video

GREY = np.full((64, 96, 3), 90, np.uint8)


def encode(
    path: Path,
    times: list[Fraction],
    pictures: list[np.ndarray],
    *,
    sound: np.ndarray | None = None,
    rate: int = RATE,
    pix_fmt: str = "yuv420p",
    codec: str = "aac",
) -> Path:
    """A file with pictures at the given times (seconds), variable where they are, and mono
    sound.
    """
    with av.open(str(path), "w") as container:
        video = container.add_stream(
            "libx264", rate=30, options={"crf": "20", "preset": "ultrafast", "g": "12"}
        )
        video.height, video.width, video.pix_fmt = *pictures[0].shape[:2], pix_fmt
        video.codec_context.time_base = Fraction(1, 90000)
        audio = container.add_stream(codec, rate=rate, layout="mono") if sound is not None else None
        for time, picture in zip(times, pictures, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = round(time * 90000), Fraction(1, 90000)
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if sound is not None:
            step = 1024 if codec == "aac" else rate
            for first in range(0, len(sound), step):
                block = av.AudioFrame.from_ndarray(
                    sound[None, first : first + step],
                    format="fltp" if codec == "aac" else "s16",
                    layout="mono",
                )
                block.sample_rate, block.pts, block.time_base = rate, first, Fraction(1, rate)
                container.mux(audio.encode(block))
            container.mux(audio.encode())
    return path


def brightness(path: Path) -> np.ndarray:
    return np.array([image.mean() for image in frames(path)])


@pytest.mark.parametrize("fps", [10, 24, 25, Fraction(30000, 1001), 60])
def test_any_frame_rate_becomes_25(tmp_path: Path, fps: Fraction) -> None:
    count = round(2 * fps)
    ramp = [np.full((64, 64, 3), 20 + 200 * k // count, np.uint8) for k in range(count)]
    path = encode(tmp_path / "a.mp4", [k / Fraction(fps) for k in range(count)], ramp)
    seen = brightness(path)
    # a file need not say how long its last picture stays
    assert abs(len(seen) - 50) <= 1 + 25 / fps
    expected = np.interp(
        np.arange(len(seen)) / 25, np.arange(count) / float(fps), [p[0, 0, 0] for p in ramp]
    )
    # half a source frame, and the codec's rounding
    assert np.abs(seen - expected).max() < 4 + 100 / float(fps) + 4


def measured(path: Path) -> np.ndarray:
    """Brightness (T,) at 25 per second, measured in the file's own pictures."""
    mean = lambda shown: shown._replace(what=np.array([shown.what.mean()], np.float32))  # noqa: E731
    return np.concatenate(list(between(map(mean, pictures(path)))))


@pytest.mark.parametrize("fps", [10, 24, Fraction(30000, 1001), 60, 120])
def test_values_of_another_rate_do_not_jerk(tmp_path: Path, fps: Fraction) -> None:
    count = round(2 * fps)
    ramp = [np.full((64, 64, 3), round(20 + 200 * k / count), np.uint8) for k in range(count)]
    path = encode(tmp_path / "a.mp4", [k / Fraction(fps) for k in range(count)], ramp)
    values, nearest = measured(path), brightness(path)
    assert len(values) == len(nearest)
    expected = np.interp(
        np.arange(len(values)) / 25, np.arange(count) / float(fps), [p[0, 0, 0] for p in ramp]
    )
    assert np.abs(values - expected).max() < 2.5  # the codec's rounding
    clocks = [shown._replace(what=np.array([shown.time], np.float32)) for shown in pictures(path)]
    # the last picture is held
    steady = np.minimum(np.arange(len(values)) / 25, (count - 1) / float(fps))
    np.testing.assert_allclose(np.concatenate(list(between(clocks))), steady, atol=1e-4)
    assert len(clocks) <= min(count, 2 * len(values) + 1)  # no others are looked at


def test_values_at_25_pictures_a_second_are_the_pictures_own(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = encode(
        tmp_path / "a.mp4",
        [Fraction(k, 25) for k in range(30)],
        list(rng.integers(0, 255, (30, 64, 96, 3), np.uint8)),
    )
    np.testing.assert_array_equal(measured(path), brightness(path).astype(np.float32))


def test_no_values_are_made_up(tmp_path: Path) -> None:
    times = [Fraction(k, 30) for k in range(15)] + [
        Fraction(2) + Fraction(k, 30) for k in range(15)
    ]
    path = encode(
        tmp_path / "pause.mp4",
        times,
        [np.full((64, 96, 3), 50 if k < 15 else 200, np.uint8) for k in range(30)],
    )
    values, nearest = measured(path), brightness(path)
    # nobody moves slowly from one picture to the other, and what is held for long says nothing
    held = np.isnan(values)
    assert (np.flatnonzero(held) == np.arange(15, 48)).all()  # 0.1 s after 0.47 s, before 2 s
    np.testing.assert_allclose(values[~held], nearest[~held], atol=1)
    seen = [
        shown._replace(what=np.full(2, np.nan if 5 <= k < 9 else k, np.float32))
        for k, shown in enumerate(pictures(path))
    ]
    found = np.stack(list(between(seen)))
    near = [k for k in range(12) if 5 <= round(k / 25 * 30) < 9]
    # as many as without interpolation
    gone = [*near, *np.flatnonzero(held)]
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(found[:, 0])), gone)
    assert np.isnan(found[:, 0]).all(0) == np.isnan(found[:, 1]).all(0) and len(found) == len(
        nearest
    )


def test_values_come_while_pictures_do() -> None:
    """No more than two pictures are held, however long the video is."""
    taken = itertools.count()
    endless = (
        Shown(Fraction(k, 30), Fraction(k + 1, 30), False, np.array([k], np.float32)) for k in taken
    )
    values = between(endless)
    for k in range(200):
        assert float(next(values)[0]) == pytest.approx(k * 30 / 25, abs=1e-4)
    assert next(taken) <= 199 * 30 / 25 + 3


def test_variable_frame_rate_goes_by_the_clock(tmp_path: Path) -> None:
    times = [Fraction(0), Fraction(1, 30), Fraction(1), Fraction(11, 10), Fraction(19, 10)]
    pictures = [np.full((64, 64, 3), v, np.uint8) for v in (20, 60, 120, 180, 240)]
    seen = brightness(encode(tmp_path / "v.mp4", times, pictures))
    at = lambda t: seen[round(t * 25)]  # noqa: E731
    # held through the pause
    assert abs(at(0.3) - 60) < 6 and abs(at(0.8) - 60) < 6 and abs(at(1.0) - 120) < 6
    assert abs(at(1.2) - 180) < 6 and abs(at(1.88) - 240) < 6


def test_rotation_metadata_is_obeyed(tmp_path: Path) -> None:
    picture = np.zeros((64, 96, 3), np.uint8)
    picture[:, :20] = 255  # a white stripe on the left
    path = encode(tmp_path / "r.mp4", [Fraction(k, 25) for k in range(5)], [picture] * 5)
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40
    # 90 degrees clockwise
    turn = np.array([0, 1 << 16, 0, -(1 << 16), 0, 0, 64 << 16, 0, 1 << 30], ">i4")
    data[matrix : matrix + 36] = turn.tobytes()
    path.write_bytes(data)
    image = next(frames(path))
    assert image.shape == (96, 64, 3) and probe(path).size == (64, 96)
    assert image[:15].mean() > 200 and image[40:].mean() < 40  # the stripe lies on top


def test_a_flash_and_a_click_stay_together_for_ten_minutes(tmp_path: Path) -> None:
    """Pictures of a variable rate on a 29.97 clock and 44 100 samples a second, marked every
    minute: at most one frame apart at the end.
    """
    fps, rate, seconds = Fraction(30000, 1001), 44100, 600
    dark, light = np.zeros((32, 32, 3), np.uint8), np.full((32, 32, 3), 255, np.uint8)
    lit = [round((60 * k + 30) * fps) for k in range(10)]
    times = (
        {round(k * fps): dark for k in range(seconds)}
        | {k + 1: dark for k in lit}
        | dict.fromkeys(lit, light)
    )
    sound = np.zeros(seconds * rate, np.int16)
    for k in lit:
        sound[int(k / fps * rate) :][: rate // 30] = 20000 * np.sin(np.arange(rate // 30))
    path = tmp_path / "long.mkv"
    encode(
        path,
        [k / fps for k in sorted(times)],
        [times[k] for k in sorted(times)],
        sound=sound,
        rate=rate,
        codec="pcm_s16le",
    )
    flashes = np.array([k for k, image in enumerate(frames(path)) if image[0, 0, 0] > 128])
    heard, light_in = read_audio(path), measured(path)
    assert len(heard) / RATE == pytest.approx(seconds, abs=0.1)
    # around frame times
    loud = np.abs(heard[320 : 320 + (seconds * 25 - 1) * 640]).reshape(-1, 640).max(1)
    loud = np.concatenate([[0.0], loud])
    for k in lit:
        near = slice(int(k / fps * 25) - 25, int(k / fps * 25) + 25)
        flash = flashes[(flashes >= near.start) & (flashes < near.stop)].mean()
        assert abs(flash - near.start - np.argmax(loud[near])) <= 1, k
        # what is measured and interpolated keeps step too
        assert abs(int(np.nanargmax(light_in[near])) - np.argmax(loud[near])) <= 1, k


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (22050, 2), (48000, 2)])
def test_any_sample_rate_and_channel_count(tmp_path: Path, rate: int, channels: int) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(2 * rate) / rate).astype(np.float32)
    path = tmp_path / "a.mp4"
    write_video(
        path, [GREY] * 50, audio=(np.stack([tone] * channels, 1) if channels > 1 else tone, rate)
    )
    heard = read_audio(path)
    spectrum = np.abs(np.fft.rfft(heard[4000:28000]))
    assert abs(np.argmax(spectrum) * RATE / 24000 - 440) < 2
    assert 0.3 < np.abs(heard[4000:28000]).max() < 0.7


def test_a_rate_and_a_layout_may_change_within_a_track() -> None:
    """A broadcast from one programme to the next: both are heard, each at its own pitch."""
    mixer, parts = Mixer(RATE, 1), []
    for rate, layout, count in ((44100, "stereo", 2), (22050, "mono", 1), (48000, "5.1", 6)):
        tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(np.tile(tone, (count, 1)), "fltp", layout)
        frame.sample_rate = rate
        parts.extend(mixer(frame))
    heard = np.concatenate([*parts, *mixer.rest()])
    assert abs(len(heard) - 3 * RATE) < 100
    for second in np.split(heard[: 3 * RATE // 100 * 100 - 300], 3):
        assert abs(np.argmax(np.abs(np.fft.rfft(second))) * RATE / len(second) - 440) < 3


def test_sound_that_starts_late_is_placed_in_time(tmp_path: Path) -> None:
    path = tmp_path / "late.mp4"
    sound = np.sin(np.arange(RATE)).astype(np.float32)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.height, video.width, video.pix_fmt = 64, 96, "yuv420p"
        audio = container.add_stream("aac", rate=RATE, layout="mono")
        for k in range(50):
            frame = av.VideoFrame.from_ndarray(GREY, format="rgb24")
            frame.pts, frame.time_base = k, Fraction(1, 25)
            container.mux(video.encode(frame))
        container.mux(video.encode())
        for first in range(0, RATE, 1024):
            block = av.AudioFrame.from_ndarray(
                sound[None, first : first + 1024], format="fltp", layout="mono"
            )
            block.sample_rate, block.pts, block.time_base = RATE, first + RATE, Fraction(1, RATE)
            container.mux(audio.encode(block))
        container.mux(audio.encode())
    heard = read_audio(path)
    onset = np.argmax(np.abs(heard) > 0.3) / RATE
    assert abs(onset - 1) < 0.05


def test_blocks_and_the_whole_give_the_same_cepstra(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    write_video(
        path,
        [GREY] * 30,
        audio=(np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32), RATE),
    )
    whole, stream = mfcc(read_audio(path), 1100), mfcc(blocks(path), 1100)
    np.testing.assert_array_equal(whole, stream)
    # silence is zeros
    assert whole.shape == (1100, 29) and whole[:20, 0].min() > 10 * np.abs(whole[40:]).max()


def test_cepstra_sit_at_frame_times() -> None:
    click = np.zeros(RATE * 4, np.float32)
    click[RATE * 2 : RATE * 2 + 8] = 1
    loud = mfcc(click, 100)[:, 0]
    assert np.argmax(loud) == 50 and (mfcc(None, 10) == 0).all()


def test_what_was_written_is_read(tmp_path: Path) -> None:
    source = tmp_path / "source.mp4"
    tone = np.sin(np.arange(RATE * 2) * 0.2).astype(np.float32)
    write_video(source, [GREY] * 50, audio=(tone, RATE), comment="made by a test")
    copy = tmp_path / "copy.mp4"
    write_video(copy, [GREY] * 25, audio=source)
    info = probe(copy)
    assert info.audio and info.size == (96, 64) and info.duration == pytest.approx(1.0, abs=0.05)
    assert len(read_audio(copy)) / RATE == pytest.approx(1.0, abs=0.07)
    with av.open(str(source)) as container:
        assert container.metadata["comment"] == "made by a test"
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"
    write_video(tmp_path / "mute.mp4", [GREY] * 5, audio=_mute(tmp_path))
    assert not probe(tmp_path / "mute.mp4").audio and read_audio(tmp_path / "mute.mp4") is None


def _mute(folder: Path) -> Path:
    write_video(folder / "silent.mp4", [GREY] * 3)
    return folder / "silent.mp4"


def test_nothing_is_left_of_a_file_that_failed(tmp_path: Path) -> None:
    def broken():
        yield GREY
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError):
        write_video(tmp_path / "a.mp4", broken())
    with pytest.raises(ElpError, match="no frames to write"):
        write_video(tmp_path / "a.mp4", [])
    with pytest.raises(ElpError, match="give all one size"):
        write_video(tmp_path / "a.mp4", [GREY, GREY[:32]])
    with pytest.raises(ElpError, match="even sides"):
        write_video(tmp_path / "a.mp4", [GREY[:33]])
    with pytest.raises(ElpError, match="ending"):
        write_video(tmp_path / "a.avi", [GREY])
    assert not list(tmp_path.iterdir())


def test_one_picture_and_large_ones(tmp_path: Path) -> None:
    path = tmp_path / "one.mp4"
    write_video(path, [GREY])
    assert len(list(frames(path))) == 1
    big = encode(tmp_path / "big.mp4", [Fraction(0)], [np.full((2160, 3840, 3), 50, np.uint8)])
    assert next(frames(big, longest=1280)).shape == (720, 1280, 3) and probe(big).size == (
        3840,
        2160,
    )


def test_grey_pictures_become_rgb(tmp_path: Path) -> None:
    path = encode(
        tmp_path / "grey.mp4", [Fraction(k, 25) for k in range(5)], [GREY] * 5, pix_fmt="gray"
    )
    assert next(frames(path)).shape == (64, 96, 3)


def test_bad_files_say_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(ElpError, match="no such file"):
        list(frames(tmp_path / "none.mp4"))
    (tmp_path / "junk.mp4").write_bytes(b"not a video at all" * 100)
    with pytest.raises(ElpError, match="not a readable video"):
        probe(tmp_path / "junk.mp4")
    import soundfile

    soundfile.write(tmp_path / "a.wav", np.zeros(1000), 16000)
    with pytest.raises(ElpError, match="only sound"):
        list(frames(tmp_path / "a.wav"))


def test_a_file_that_breaks_off_gives_what_it_has(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "whole.mp4"
    write_video(path, [rng.integers(0, 255, (64, 96, 3), np.uint8) for _ in range(100)])
    data = path.read_bytes()
    (tmp_path / "half.mp4").write_bytes(data[: len(data) // 2])
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        count = len(list(frames(tmp_path / "half.mp4")))
    assert 20 < count < 90 and any("cut off" in str(w.message) for w in said)


def test_unknown_face() -> None:
    with pytest.raises(ElpError, match="largest, left, right"):
        tracker("tallest")
    with pytest.raises(ElpError, match="choose one of litert"):
        vision("eyes")


def test_another_set_of_networks_is_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    class Corner:
        """The brightest pixel, 478 times."""

        def tracker(self, face, *, still):
            return self

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def __call__(self, image):
            y, x = np.unravel_index(image[..., 0].argmax(), image.shape[:2])
            return np.tile(np.array([x, y, 0], np.float32), (478, 1))

    monkeypatch.setitem(VISIONS, "litert", Corner())
    picture = np.zeros((20, 30, 3), np.uint8)
    picture[4, 9] = 255
    assert (landmarks([picture, picture])[:, 0] == [9, 4, 0]).all()
