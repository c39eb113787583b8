"""Files by any name, whole or not; what no file is, is refused at once."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition

from elp.errors import ElpError
from elp.extraction.pipeline import sound
from elp.media.audio import has_audio
from elp.media.video import frames, probe
from elp.media.write import write_video
from tests.media.files import make, picture

CLIP = [picture(k) for k in range(25)]
NAMES = [
    "12:30:05.mp4",
    "concat:a|b.mp4",
    "http:x.mp4",
    "-dash.mp4",
    "a%03d 100%.mp4",
    "Видео 🎥.MP4",
    "a?b*[c]#d\\e;'\".mp4",
    "file:a.mp4",
    " .mp4",
]


@pytest.mark.skipif(os.name == "nt", reason="names that Windows does not have")
@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_written_and_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    tone = np.zeros((100, 2), np.float32)
    write_video(name, [picture(0)] * 3, audio=(tone, 16000))
    assert os.listdir(tmp_path) == [name]
    assert len(list(frames(name))) == 3 and has_audio(name)
    write_video(tmp_path / "copy.mp4", [picture(0)] * 3, audio=name)
    assert has_audio(tmp_path / "copy.mp4")


def test_a_title_in_another_encoding_is_no_reason_to_refuse(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    write_video(path, [picture(0)] * 3, comment="Gespraech am See")
    whole = path.read_bytes()
    assert b"Gespraech" in whole
    path.write_bytes(whole.replace(b"Gespraech", b"Gespr\xe4\xffch"))
    assert len(list(frames(path))) == 3


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_pipes_devices_and_folders_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "zero.mp4").symlink_to("/dev/zero")
    (tmp_path / "loop.mp4").symlink_to(tmp_path / "loop.mp4")
    for name, said in [
        ("pipe.mp4", "a pipe or a device"),
        ("zero.mp4", "a pipe or a device"),
        ("loop.mp4", "not a file|no such file"),
        ("a\0b.mp4", "not a file name|no such file"),
        ("x" * 300 + ".mp4", "not a file name|no such file"),
        (".", "a folder"),
    ]:
        with pytest.raises(ElpError, match=said):
            probe(tmp_path / name)


@pytest.mark.parametrize(
    ("kind", "live"),
    [
        ("mp4", False),
        ("mov", False),
        ("mkv", False),
        ("avi", False),
        ("flv", False),
        ("webm", True),
    ],
)
def test_a_file_that_breaks_off_is_said_to(tmp_path: Path, kind: str, live: bool) -> None:
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 255, (64, 96, 3), np.uint8) for _ in range(25)]
    codecs = {
        "avi": {"codec": "mpeg4", "audio_codec": "pcm_s16le"},
        "webm": {"codec": "libvpx", "audio_codec": "libopus"},
    }
    options = {"movflags": "+faststart"} if kind in ("mp4", "mov") else {}
    options |= {"live": "1"} if live else {}
    path = tmp_path / f"whole.{kind}"
    silence = np.zeros(48000, np.float32)
    make(path, noise, [silence], container_options=options, **codecs.get(kind, {}))
    half = tmp_path / f"half.{kind}"
    half.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    for file, damaged in ((path, False), (half, True)):
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            count = len(list(frames(file)))
        assert [("cut off" in str(w.message)) for w in said] == [True] * damaged, file
        assert 2 < count < 25 if damaged else count == 25


@pytest.mark.parametrize("first", ["pcm_s16le", "mjpeg"])
def test_the_video_need_not_be_the_first_track(tmp_path: Path, first: str) -> None:
    """Sound before it, or a cover that is marked as what to show: all its pictures are read."""
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        if first == "mjpeg":
            other: Any = container.add_stream(first, rate=25)
            other.width, other.height, other.pix_fmt = 300, 200, "yuvj420p"
            frame: Any = av.VideoFrame.from_ndarray(picture(0, (200, 300)), format="rgb24")
        else:
            other = container.add_stream(first, rate=8000, layout="mono")
            frame = av.AudioFrame.from_ndarray(np.ones((1, 8000), np.int16), layout="mono")
            frame.sample_rate = 8000
        video = container.add_stream("libx264", rate=25, options={"bf": "3"})
        video.height, video.width, video.pix_fmt = 64, 96, "yuv420p"
        other.disposition, video.disposition = Disposition.default, Disposition(0)
        frame.pts = 0
        container.mux(other.encode(frame))
        container.mux(other.encode())
        for shown in CLIP:
            container.mux(video.encode(av.VideoFrame.from_ndarray(shown, format="rgb24")))
        container.mux(video.encode())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read = list(frames(path))
    assert len(read) == 25 and read[0].shape == (64, 96, 3)


def test_a_file_without_a_picture_is_one_sentence(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", CLIP)
    data = path.read_bytes()
    first, last = data.index(b"mdat") + 4, data.index(b"moov") - 4
    path.write_bytes(data[:first] + bytes(last - first) + data[last:])
    with warnings.catch_warnings(), pytest.raises(ElpError, match="no picture in it"):
        warnings.simplefilter("error")
        list(frames(path))


def test_silence_is_said_once(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mkv", CLIP, [np.zeros(48000, np.float32)], audio_codec="pcm_f32le")
    with pytest.warns(UserWarning, match="is silence") as said:
        assert not sound(path, 25).any()
    assert len(said) == 1
