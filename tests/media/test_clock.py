"""Clocks that jump: pictures and sound go on together, with one sentence."""

from __future__ import annotations

import warnings
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from elp.errors import ElpError
from elp.media import video
from elp.media.audio import RATE, read_audio
from elp.media.clock import step
from elp.media.video import between, frames, pictures
from tests.media.files import LIT, box, click, make, picture

CLIP = [picture(k) for k in range(25)]


def marks(path: Path) -> tuple[int, list[int], list[float], list[str]]:
    """How many frames, which are lit, which have a click, and what is warned of."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        bright = np.array([image[10, 20, 1] for image in frames(path)])
        sound = read_audio(path)
    loud = np.abs(np.zeros(0) if sound is None else sound) > 0.1
    onsets = np.flatnonzero(np.diff(loud.astype(int), prepend=0) == 1) / RATE * 25
    apart = onsets[np.diff(onsets, prepend=-9) > 2]
    lit = np.flatnonzero(np.diff((bright > 128).astype(int), prepend=0) == 1)
    return len(bright), lit.tolist(), apart.tolist(), [str(w.message) for w in said]


@pytest.mark.parametrize("kind", ["ts", "mpg"])
@pytest.mark.parametrize("start", [0, 60])
def test_joined_recordings_go_on(tmp_path: Path, kind: str, start: int) -> None:
    codecs = {"codec": "mpeg2video", "audio_codec": "mp2"} if kind == "mpg" else {}
    one = make(tmp_path / f"one.{kind}", CLIP, [click()], **codecs)
    later = [Fraction(start) + Fraction(k, 25) for k in range(25)]
    two = make(
        tmp_path / f"two.{kind}",
        CLIP,
        [np.concatenate([np.zeros(start * 48000, np.float32), click()])],
        times=later,
        **codecs,
    )
    joined = tmp_path / f"joined.{kind}"
    joined.write_bytes(one.read_bytes() + two.read_bytes())
    count, lit, heard, said = marks(joined)
    assert abs(count - 50) <= 1 and len(said) == 1 and "clock jumps" in said[0]
    np.testing.assert_allclose(lit, [5, 20, 30, 45], atol=1)
    np.testing.assert_allclose(heard, lit, atol=1)  # in step within a frame


def test_a_last_stamp_that_lies_adds_nothing(tmp_path: Path) -> None:
    times = [Fraction(k, 25) for k in range(24)] + [Fraction(600)]
    path = make(tmp_path / "a.mkv", CLIP, [click()], times=times, options={"bf": "0"})
    count, lit, heard, said = marks(path)
    assert count == 25 and lit == [*LIT] and len(said) == 1 and "clock jumps" in said[0]
    np.testing.assert_allclose(heard, LIT, atol=1)


def test_a_real_pause_is_kept_but_not_valid(tmp_path: Path) -> None:
    """The sound goes on meanwhile: somebody's picture froze for 12 s."""
    times = [Fraction(k, 25) for k in range(12)] + [
        Fraction(12) + Fraction(k, 25) for k in range(5)
    ]
    path = tmp_path / "a.mkv"
    import av

    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25, options={"bf": "0"})
        video.height, video.width, video.pix_fmt = 64, 96, "yuv420p"
        video.codec_context.time_base = Fraction(1, 1000)
        audio = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        for second in range(13):
            for at in times:
                if int(at) == second:
                    frame = av.VideoFrame.from_ndarray(picture(0), format="rgb24")
                    frame.pts, frame.time_base = int(at * 1000), Fraction(1, 1000)
                    container.mux(video.encode(frame))
            block = av.AudioFrame.from_ndarray(
                np.ones((1, 8000), np.int16), format="s16", layout="mono"
            )
            block.sample_rate, block.pts, block.time_base = 8000, 8000 * second, Fraction(1, 8000)
            container.mux(audio.encode(block))
        container.mux(video.encode())
    count, _, _, said = marks(path)
    assert count == 305 and not said
    seen = [shown._replace(what=np.ones(1, np.float32)) for shown in pictures(path)]
    valid = np.isfinite(np.concatenate(list(between(seen))))
    assert len(valid) == 305 and valid[:13].all() and valid[-5:].all()
    assert not valid[15:297].any()


def test_sound_is_in_step_where_the_first_pictures_cannot_be_decoded(tmp_path: Path) -> None:
    """A broadcast that is cut between two key frames: pictures begin later than packets."""
    whole = make(tmp_path / "whole.ts", CLIP, [click()], options={"bf": "0"})
    data = whole.read_bytes()
    packets = [data[k : k + 188] for k in range(0, len(data), 188)]
    numbers = [(p[1] & 31) << 8 | p[2] for p in packets]
    starts = [k for k, p in enumerate(packets) if numbers[k] == 0x100 and p[1] & 0x40]
    tables = [p for p, n in zip(packets, numbers, strict=True) if n in (0, 0x1000)][:2]
    cut = tmp_path / "cut.ts"
    cut.write_bytes(b"".join(tables + packets[starts[3] :]))
    count, lit, heard, _ = marks(cut)
    assert count == 13 and lit == [8]  # from the key frame, picture 12, on
    np.testing.assert_allclose(heard, lit, atol=1)


@pytest.mark.parametrize(
    ("name", "offset", "number"),
    [
        (b"mdhd", 12, 1),  # an hour for each picture
        (b"mdhd", 12, 0),
        (b"mdhd", 12, 0xFFFFFFFF),
        (b"stts", 12, 0x7FFFFFFF),
    ],
)
def test_clocks_of_damaged_headers_are_bounded(
    tmp_path: Path, name: bytes, offset: int, number: int
) -> None:
    path = make(tmp_path / "a.mp4", CLIP, options={"bf": "0"})
    count, _, _, said = marks(box(path, name, offset, number))
    assert 1 <= count <= 26 and said


def test_a_picture_every_nine_seconds_is_no_video(tmp_path: Path) -> None:
    times = [Fraction(9 * k) for k in range(80)]
    path = make(tmp_path / "a.mkv", [picture(0, (16, 16))] * 80, times=times)
    with pytest.raises(ElpError, match="no video of a person"):
        for _ in pictures(path):
            pass


def test_pictures_whose_time_is_past_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make(tmp_path / "a.mp4", CLIP[:10])
    decoded = video._decoded

    def held(*args):
        for k, frame in enumerate(decoded(*args)):
            frame.pts = frame.pts if k < 6 else 0
            yield frame

    monkeypatch.setattr(video, "_decoded", held)
    with pytest.warns(UserWarning, match="4 of 10 pictures are left out"):
        assert len(list(frames(path))) == 6


def test_a_second_recording_that_is_not_read_is_said(tmp_path: Path) -> None:
    """FFmpeg reads the first of two .mp4 files that were joined byte by byte."""
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 255, (64, 96, 3), np.uint8) for _ in range(25)]
    one = make(tmp_path / "one.mp4", noise, [click()])
    joined = tmp_path / "joined.mp4"
    joined.write_bytes(one.read_bytes() * 2)
    count, _, _, said = marks(joined)
    assert count == 25 and len(said) == 1 and "only the first is used" in said[0]
    assert not marks(one)[3]


def test_a_rate_that_nobody_says_or_believes_is_taken_for_25() -> None:
    for rates in ({}, {"average_rate": 0}, {"average_rate": 90_000}, {"guessed_rate": 1e-3}):
        assert step(SimpleNamespace(**rates)) == Fraction(1, 25)
    assert step(SimpleNamespace(average_rate=None, guessed_rate=Fraction(24))) == Fraction(1, 24)
    assert step(SimpleNamespace(average_rate=Fraction(30), guessed_rate=9)) == Fraction(1, 30)
